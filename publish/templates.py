"""What is written for people to read, from templates that stand beside the modules that fill them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from send_ready import words


def fill(template: Path, context: Mapping[str, Any], *, is_html: bool = False, **filters: Callable[..., Any]) -> str:
    """The text of a template with its gaps filled. A name that the context lacks is an error.

    Every template has the functions of send_ready.words, by name and as filters, and `number` for 1,200.
    """
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=is_html,  # noqa: S701  (Markdown has no tags; whoever fills it takes its signs out)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=not is_html,
    )
    said = {
        name: value for name, value in vars(words).items() if callable(value) and value.__module__ == words.__name__
    }
    environment.globals |= said
    environment.filters |= said | {"number": "{:,}".format} | filters
    return environment.get_template(template.name).render(context)
