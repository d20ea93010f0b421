"""The words and files of the challenge: tasks, pairs, volumes and displacement fields."""
