"""The tables and figures of the paper, reproduced; and the demo task."""
