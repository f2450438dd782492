"""streamguard: video in, the same video out with nobody recognisable in it."""

__version__ = "0.1.0"
