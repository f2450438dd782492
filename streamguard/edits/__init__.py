"""What a person changes about a decision: edits, their log, and what they come to."""
