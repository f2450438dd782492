"""Live relays: capture, detection and each output are started, watched and replaced apart."""
