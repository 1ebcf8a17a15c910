"""Invented users who play against the service, by tastes that are known."""
