"""From a task folder to displacement files and a run report."""
