"""All methods by name, in the order of the table."""

from collections.abc import Mapping
from types import MappingProxyType

from benchmarks.methods.ants import ANTS
from benchmarks.methods.convexadam import CONVEXADAM
from benchmarks.methods.elastix import ELASTIX
from benchmarks.methods.greedy import GREEDY
from benchmarks.methods.method import Method
from benchmarks.methods.ours import BUNDLED, GENERAL, GENERAL_MANUAL, GENERAL_REGIONS

__all__ = ["METHODS"]

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (ANTS, GREEDY, ELASTIX, CONVEXADAM, GENERAL, GENERAL_REGIONS, GENERAL_MANUAL, BUNDLED)
    }
)
"""Those of others first."""
