"""Files of points: read, moved, and written back in the same form."""
