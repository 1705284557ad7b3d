"""Settings: one table of fields, layers folded over it, and where each value came from."""
