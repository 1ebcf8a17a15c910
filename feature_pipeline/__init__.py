"""Raw tables in, feature store out: the contract, the encoders, the point-in-time features."""
