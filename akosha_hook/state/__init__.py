"""Our own files below the state directory, a module each."""
