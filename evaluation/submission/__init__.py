"""Checks, repairs and packs a set of fields for the upload to a challenge host."""
