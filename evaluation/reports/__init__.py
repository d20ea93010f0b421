"""What is told of the scores: statistics, documents, tables."""
