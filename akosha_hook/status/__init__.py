"""What `status` shows: everything known on this machine, without asking any server."""
