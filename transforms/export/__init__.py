"""Displacement fields as other programs read them."""
