"""Features as of a moment, each defined once for training and serving alike."""
