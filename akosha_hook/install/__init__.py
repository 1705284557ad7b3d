"""Joining the hooks people already have, and leaving without a trace."""
