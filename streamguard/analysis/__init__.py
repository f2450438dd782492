"""The decision as a file: what to cover in every frame of one input, and what a person changed."""
