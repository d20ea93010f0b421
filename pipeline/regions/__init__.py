"""The regions of an image: the segmentor, the files of the user, and what is kept; the only place for MONAI."""
