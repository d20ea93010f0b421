"""A prediction run that takes a fraction of a second, and processes to share it."""

# The fixtures, which are all that their `__all__` name.
from tests.clusterprocesses import *  # noqa: F403
from tests.quickrun import *  # noqa: F403
from tests.tinytask import *  # noqa: F403
