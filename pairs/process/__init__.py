"""The process of a command line: its streams, threads and messages."""
