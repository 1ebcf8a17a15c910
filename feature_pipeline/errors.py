"""The base of every error a user can mend; commands print its message as one line and stop."""


class UserError(Exception):
    """Input, config or artefact is not as it must be; the message says what to do."""
