"""Adding our hooks beside those that are already there, and removing them without a trace."""
