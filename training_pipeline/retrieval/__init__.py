"""The two towers: inputs, layers, training, and the metric that validates them."""
