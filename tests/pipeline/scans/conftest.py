"""What the tests of two scans share."""

# The fixtures, which are all that its `__all__` names.
from tests.drawnscans import *  # noqa: F403
