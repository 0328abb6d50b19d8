"""Machine code for speed alone; each part is held by a test to the plain form of the same mathematics."""
