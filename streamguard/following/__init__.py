"""A box that a person drew, followed through the input."""
