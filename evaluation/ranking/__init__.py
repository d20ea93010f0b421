"""Where a method would stand: the challenge's significance-based ranks."""
