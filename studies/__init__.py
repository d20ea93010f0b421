"""The tables of the paper, made anew."""
