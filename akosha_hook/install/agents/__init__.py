"""Agents whose session events we hook into, a module each."""
