"""The detached process that syncs what hooks reported."""
