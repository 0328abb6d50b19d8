"""Lessons that run; installed as the package `minigrok_tutorials`."""
