"""The version of the program, which users cite; `pipeline.programversion` has the hash of its sources."""

__all__ = ["VERSION"]

VERSION = "0.3.0"
