"""The regions of an image: segmentor, files of the user, what is kept; the only place for MONAI."""
