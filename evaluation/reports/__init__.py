"""Statistics, documents and tables of the scores."""
