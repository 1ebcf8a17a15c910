"""Offline evaluation: exact ranks over the whole corpus, metrics with intervals, baselines and the report."""
