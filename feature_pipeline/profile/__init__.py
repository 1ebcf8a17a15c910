"""What a feature store holds, as one page for a person."""
