"""What came back from people: what they did, who registered, which items came, and what counts."""
