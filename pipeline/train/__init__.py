"""Training of the segmentor and of the registration network."""
