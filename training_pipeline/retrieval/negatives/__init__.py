"""Negatives of a batch: where they come from, and the correction that makes them stand for the corpus."""
