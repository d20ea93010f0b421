"""The picture of one pair; the only place for matplotlib."""
