"""The index finds the best items of a query: exactly, or nearly so and much faster."""
