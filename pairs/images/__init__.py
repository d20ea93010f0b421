"""Images: their headers, grids and voxels."""
