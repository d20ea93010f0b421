"""Spatially covariant filters: region table, Eq. 4, and the heads that apply them."""
