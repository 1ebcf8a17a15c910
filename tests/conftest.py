"""What every test shares."""

from hypothesis import settings

import training_pipeline  # noqa: F401  # TensorFlow reads the settings of this package at its first import

# A busy machine must not fail a test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
