"""A study's form: people or items one after the other, Like or Dislike, and the answers as a matrix."""
