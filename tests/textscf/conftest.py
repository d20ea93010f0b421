"""What the tests of the program share."""

# The fixtures, which are all that its `__all__` names.
from tests.tinytask import *  # noqa: F403
