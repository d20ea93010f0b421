"""The version of the program, which users cite; what changes fields is told by `pipeline.programversion`."""

__all__ = ["VERSION"]

VERSION = "0.2.0"
