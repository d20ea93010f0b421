"""From the names of a task's labels to one text vector per region."""
