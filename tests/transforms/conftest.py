"""What the tests of warping share."""

# The fixtures, which are all that each `__all__` names.
from tests.drawnscans import *  # noqa: F403
from tests.transforms.scene import *  # noqa: F403
