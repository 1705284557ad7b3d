"""One snapshot into one store."""
