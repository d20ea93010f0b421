"""The general method, which needs no weights: a global, a discrete and a continuous stage."""
