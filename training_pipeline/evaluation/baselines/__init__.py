"""Baselines that every model must beat: cheap, strong, without training by gradient; one file each."""
