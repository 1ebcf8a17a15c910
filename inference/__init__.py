"""Model bundle in, recommendations out: retrieve, drop what was seen, rank, explain."""
