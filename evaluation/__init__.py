"""Scores of displacement fields, official and true; their check, packing, ranks and pictures."""
