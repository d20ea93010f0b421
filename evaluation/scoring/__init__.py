"""From a task and its fields to scores."""
