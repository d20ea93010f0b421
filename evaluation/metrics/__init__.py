"""One number from arrays: overlap, surface distance, regularity, landmarks."""
