"""What this engine does not compute."""

from typing import Any, NoReturn

import ibis.expr.operations as ops

from feature_pipeline.errors import UserError


class UnsupportedExpressionError(UserError):
    """A feature uses an operation that the engine of serving does not know."""


def refuse(operation: Any, what: str) -> NoReturn:
    """Raises UnsupportedExpressionError, which names the operation."""
    name = operation.name if isinstance(operation, ops.Value) else type(operation).__name__
    raise UnsupportedExpressionError(
        f"{name}: the engine of serving does not know {what}. Remedy: express the feature by operations that "
        "feature_pipeline/engine/memory knows (values.py, aggregates.py, windows.py)"
    )
