"""Who decides what to cover in every frame."""
