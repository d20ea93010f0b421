"""What training and refinement minimise: likeness of images, overlap of regions, roughness of the field."""
