"""Linear models from items to items, in closed form: baselines to be measured, and signals for the ranker."""
