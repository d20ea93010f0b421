"""The segmentor: label map and confidence of one image; the only place for MONAI."""
