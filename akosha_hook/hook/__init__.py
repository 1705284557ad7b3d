"""What a hook does: note the event, and start a worker."""
