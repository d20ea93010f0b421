"""Tasks: their descriptions in every dialect, their pairs, and what is known of the official ones."""
