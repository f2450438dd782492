"""Live relays that can be left alone: capture, detection and every output fail by themselves."""
