"""The service: recommendations over HTTP, from several processes, through every change of bundle."""

import training_pipeline  # noqa: F401  # TensorFlow reads the settings of this package at its first import
