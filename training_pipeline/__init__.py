"""Feature store in, evaluated model bundle out: the two towers, the ranker, the evaluation."""

import logging
import os

# TFRS is built on Keras 2; TensorFlow reads this at its first import, so it stands before all others.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
# Silence what a machine without a GPU cannot help; exceptions still come through.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
logging.getLogger("tensorflow").setLevel(logging.ERROR)
