"""The course: what lists, marks and hints. The lessons and exercises themselves are `minigrok_tutorials`."""
