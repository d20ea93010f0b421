"""The names with which signatures of `pipeline` state shape and kind of a tensor: `Float[Tensor, "N C"]`.

Axes of one signature that share a name have the same length. Names used throughout the package:

- `B` batch, `C` channels, `X Y Z` the voxel grid in nibabel's axis order;
- `N` regions including background, `C1` length of a text vector, `C2` channels of the backbone's feature map.

The annotations cost nothing at run time; under pytest the import hook of jaxtyping checks them.
"""

from jaxtyping import Bool, Float, Float32, Float64, Int, Shaped
from torch import Tensor

__all__ = ["Bool", "Float", "Float32", "Float64", "Int", "Shaped", "Tensor"]
