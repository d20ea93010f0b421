"""Weights: the bundle, the files it is read from and the checkpoints of others."""
