"""Context -> text. The one Jinja environment."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from edgekit import resources

if TYPE_CHECKING:
    import jinja2


@functools.cache
def environment() -> jinja2.Environment:
    """A missing name is an error, never blank C."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.tree("templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    made.filters["cstring"] = c_string
    return made


def c_string(text: str) -> str:
    """`text` as a C string literal, in ASCII whatever it holds."""
    plain = {ord('"'), ord("\\"), ord("?")}
    body = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in plain else f"\\{byte:03o}"
        for byte in text.encode()
    )
    return f'"{body}"'


def render(template: str, **context: Any) -> str:
    """Render `templates/<template>`."""
    return environment().get_template(template).render(**context)
