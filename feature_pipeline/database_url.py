"""What the URL of a database says."""

from urllib.parse import parse_qs, urlsplit

_POSTGRES = ("postgresql://", "postgres://")


def is_postgres(database: str) -> bool:
    """Whether `database` is the URL of a PostgreSQL database, not the path of a file."""
    return database.startswith(_POSTGRES)


def holds_password(url: str) -> bool:
    """Whether the URL of a PostgreSQL database holds a password, which messages and manifests would tell."""
    parts = urlsplit(url)
    return parts.password is not None or "password" in parse_qs(parts.query)
