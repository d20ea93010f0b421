"""A prediction run that takes a fraction of a second."""

# The fixtures, which are all that its `__all__` names.
from tests.quickrun import *  # noqa: F403
