"""Densities of states known exactly, and systems made to be held to them."""
