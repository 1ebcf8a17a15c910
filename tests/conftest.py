"""What every test shares: TensorFlow reads the settings of this package at its first import."""

import training_pipeline  # noqa: F401
