"""The one place that holds the version: setup.cfg reads it, and so do checkpoints and reports."""

__version__ = "0.1.0"
