"""A second look at a finished file."""
