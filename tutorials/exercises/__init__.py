"""The exercises' stubs, which `minigrok course start` copies for a student."""
