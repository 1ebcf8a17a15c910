"""What this engine does not compute."""

from typing import Any, NoReturn

from feature_pipeline.errors import UserError


class UnsupportedExpressionError(UserError):
    """A feature uses an operation that the engine of serving does not know."""


def refuse(operation: Any, what: str) -> NoReturn:
    """Raises UnsupportedExpressionError, which names the operation."""
    raise UnsupportedExpressionError(
        f"{type(operation).__name__}: {what} is not known to the engine of serving. Remedy: express the "
        "feature by the operations of feature_pipeline/engine/memory/values.py"
    )
