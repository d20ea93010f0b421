"""Displacement fields of other tools, converted to this project's convention at this one place."""
