"""A page for people: they choose or become a user, see items, like some, and what is recommended follows."""
