"""Training images drawn from label maps alone."""
