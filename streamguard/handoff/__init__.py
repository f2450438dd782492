"""How frames and sound pass between threads and processes."""
