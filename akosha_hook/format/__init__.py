"""What lies in a store, as docs/object-format.md describes it."""
