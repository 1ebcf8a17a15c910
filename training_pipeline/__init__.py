"""Feature store in, evaluated model bundle out: the two towers, the ranker, the evaluation."""

import os

# TFRS is built on Keras 2; TensorFlow reads this at its first import, so it stands before all others.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
