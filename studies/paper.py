"""Figures that the paper prints, as far as this project knows them."""

from studies.table import Published

__all__ = ["ABDOMEN", "BRAIN", "PROMPTS", "SEGMENTORS"]

BRAIN = {"initial": Published(57.18, 3.83), "textSCF": Published(90.05, 1.22, 0.39)}
"""OASIS; with label maps as masks."""
ABDOMEN = {
    "initial": Published(30.86, 29.77),
    "LKU-Net": Published(50.32, 20.20, 0.35),
    "textSCF": Published(60.75, 22.44, 0.87),
}
"""Abdominal CT."""
PROMPTS = (51.56, 59.05, 59.33, 60.17, 60.61, 60.01, 60.75, 57.63)
"""Dice of rows 0 to 7 of Table 1."""
SEGMENTORS = {
    "manual labels": (100.0, 74.73),
    "base": (77.92, 60.75),
    "small": (74.96, None),
    "tiny": (63.35, None),
}
"""Dice of the segmentor, and of the registration with it."""
