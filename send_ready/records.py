"""Records that somebody wrote in YAML: which names there may and must be, and what each may hold."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from send_ready import files

IN_WORDS = {str: "text", list: "a list", dict: "settings by name", bool: "true or false"}


@dataclass(frozen=True)
class Field:
    """What a name may stand for, in the words after "must be" and as a test; and what holds where it is left out."""

    in_words: str
    is_allowed: Callable[[Any], bool]
    is_needed: bool = True
    otherwise: Any = None


def field_of(kind: type, is_needed: bool = True, otherwise: Any = None, may_be_empty: bool = True) -> Field:
    """A field of one of the types in IN_WORDS."""
    return Field(
        IN_WORDS[kind], lambda held: isinstance(held, kind) and bool(may_be_empty or held), is_needed, otherwise
    )


def one_of(allowed: Collection[str], is_needed: bool = True) -> Field:
    """A field for one of some words."""
    return Field(f"one of: {', '.join(allowed)}", lambda held: isinstance(held, str) and held in allowed, is_needed)


def number(most: float, is_needed: bool = True, otherwise: float | None = None) -> Field:
    """A field for a number from 0."""
    allowed = f"a number from 0 to {most:,}"
    return Field(allowed, lambda n: type(n) in (int, float) and 0 <= n <= most, is_needed, otherwise)


def read_fields(path: Path, fields: Mapping[str, Field], error: type[Exception], what: str = "key") -> dict[str, Any]:
    """What a YAML file holds for each field, as `checked` has it. Raises `error`."""
    try:
        given = files.read_yaml(path)
    except ValueError as unread:
        raise error(f"{unread} Compare with the shipped file.") from None
    return checked(path, given, fields, error, what)


def checked(
    where: object, given: Any, fields: Mapping[str, Field], error: type[Exception], what: str = "key"
) -> dict[str, Any]:
    """What each field holds, or what holds without it. Raises `error`, whose text says where, what and what to do."""
    if not isinstance(given, dict):
        raise error(f"{where}: where a {what} should be, there is none. Known: {', '.join(sorted(fields))}.")
    if unknown := sorted({str(name) for name in given} - set(fields)):
        raise error(f"{where}: unknown {what} {', '.join(unknown)}. Known: {', '.join(sorted(fields))}.")
    held = {name: field.otherwise if given.get(name) is None else given[name] for name, field in fields.items()}
    for name, field in fields.items():
        if field.is_needed and name not in given:
            raise error(f"{where}: '{name}' is missing. Compare with the shipped file.")
        if (field.is_needed or given.get(name) is not None) and not field.is_allowed(held[name]):
            raise error(f"{where}: {name} is {str(held[name])[:40]}, and must be {field.in_words}.")
    return held
