"""Scores of displacement fields: the official Learn2Reg numbers and the true ones beside them."""
