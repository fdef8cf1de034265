"""Experiments as frozen dataclasses that know what each of their fields means and allows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from cluster.errors import UserError

T = TypeVar("T")


def parameter(
    default: Any,
    help: str,
    low: float = -math.inf,
    high: float = math.inf,
    choices: Sequence[str] | None = None,
) -> Any:
    """A dataclass field with its meaning and what it allows."""
    return dataclasses.field(
        default=default, metadata={"help": help, "low": low, "high": high, "choices": choices}
    )


def check(settings: Any) -> None:
    """Check every field that `parameter` declared.

    Raises:
        UserError: a field's value is not of its type or outside what is allowed.
    """
    types = get_type_hints(type(settings))
    for field in dataclasses.fields(settings):
        if field.metadata:
            convert(field, types[field.name], getattr(settings, field.name))


def with_values(settings: T, values: Mapping[str, Any]) -> T:
    """A copy with some fields replaced, checked; strings are converted to the field's type.

    Raises:
        UserError: an unknown field, or a value that is not allowed.
    """
    fields = {field.name: field for field in dataclasses.fields(settings)}  # type: ignore[arg-type]
    types = get_type_hints(type(settings))
    changed = {}
    for name, value in values.items():
        if name not in fields:
            raise UserError(f"{name}: no such field: allowed are {', '.join(fields)}")
        changed[name] = convert(fields[name], types[name], value)
    return dataclasses.replace(settings, **changed)  # type: ignore[type-var]


def convert(field: dataclasses.Field, kind: Any, value: Any) -> Any:
    """A field's value in its own type.

    Raises:
        UserError: the value is not allowed; the line names the field, the value and what is.
    """
    if get_origin(kind) is tuple:
        items = value.split() if isinstance(value, str) else value
        if not isinstance(items, Sequence):
            raise _refused(field, kind, value)
        return tuple(convert(field, get_args(kind)[0], item) for item in items)
    try:
        converted = _convert_one(kind, value)
    except (TypeError, ValueError, KeyError):
        raise _refused(field, kind, value) from None
    choices = field.metadata.get("choices")
    if choices is not None and converted not in choices:
        raise _refused(field, kind, value)
    if kind in (int, float) and not field.metadata["low"] <= converted <= field.metadata["high"]:
        raise _refused(field, kind, value)
    return converted


def _convert_one(kind: Any, value: Any) -> Any:
    if kind is bool:
        if isinstance(value, str):
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[value]
        if not isinstance(value, bool):
            raise TypeError
        return value
    if kind is int:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise TypeError
        return int(value)
    if kind is float:
        if isinstance(value, bool):
            raise TypeError
        number = float(value)
        if not math.isfinite(number):
            raise ValueError
        return number
    if not isinstance(value, str):
        raise TypeError
    return value


def option(name: str) -> str:
    """What the command line calls a field."""
    return "--" + name.replace("_", "-")


def _refused(field: dataclasses.Field, kind: Any, value: Any) -> UserError:
    return UserError(f"{option(field.name)} {value}: allowed is {allowed(field, kind)}")


def allowed(field: dataclasses.Field, kind: Any) -> str:
    """What a field allows, in words."""
    if get_origin(kind) is tuple:
        return f"a list, each {allowed(field, get_args(kind)[0])}"
    choices = field.metadata.get("choices")
    if choices is not None:
        return "one of " + ", ".join(choices)
    if kind is bool:
        return "true or false"
    if kind is str:
        return "a text"
    noun = "a whole number" if kind is int else "a number"
    low, high = field.metadata["low"], field.metadata["high"]
    if low > -math.inf and high < math.inf:
        return f"{noun} from {low:g} to {high:g}"
    if low > -math.inf:
        return f"{noun} of {low:g} or more"
    return noun


def whole_number(name: str, value: Any, low: int) -> int:
    """A whole number from a flag.

    Raises:
        UserError: it is something else or below `low`.
    """
    try:
        number = _convert_one(int, value)
    except (TypeError, ValueError):
        number = low - 1
    if number < low:
        raise UserError(f"{name} {value}: allowed is a whole number of {low} or more")
    return number
