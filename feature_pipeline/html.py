"""Self-contained HTML pages: one way to render a template, and files as part of the page."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render(template: Path, **values: Any) -> str:
    """Renders a Jinja template, every value escaped.

    Args:
        template: the file; it may include others of its folder.
        values: what the template names.

    Raises:
        jinja2.UndefinedError: the template names a value that is not given.
    """
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(**values)


def to_data_uri(data: bytes, media_type: str) -> str:
    """A file's bytes as the address of an image that needs no file.

    Args:
        data: the whole file.
        media_type: such as `image/png`.
    """
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
