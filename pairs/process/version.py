"""The version of the program, which users cite; `pipeline.programversion` says what changes fields."""

__all__ = ["VERSION"]

VERSION = "0.2.0"
