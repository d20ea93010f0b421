"""The submission checker: what a host would refuse, and what it would take and score badly."""
