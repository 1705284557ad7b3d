"""Backup destinations: the contract in `base`, opened from the settings by `opening`."""
