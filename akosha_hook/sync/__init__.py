"""Bringing the newest state of the databases to a destination: the one place where all meet."""
