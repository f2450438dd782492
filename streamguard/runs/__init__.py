"""What every run from a file has: what opens, counts, keeps and reports."""
