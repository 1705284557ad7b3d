"""The one place the version is written; the build and the plugin manifest follow it."""

__version__ = "0.1.0"
