"""Two scans, each on its own grid: read, related, registered on the fixed grid, warped once."""
