"""Named groups of parameters: which learn in a lifetime, which are meta-learned, which never change."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor, nn

Parameters = dict[str, Tensor]


def matching(model: nn.Module, patterns: Sequence[str], name: str = "plastic") -> list[str]:
    """Names of the parameters that patterns name, in the model's order.

    A pattern is a parameter's name with * for any letters, or the name of a module for all that it holds.

    Args:
        model: whose parameters.
        patterns: e.g. ("prediction", "head.weight").
        name: what the caller calls the patterns, for its error.

    Raises:
        ValueError: a pattern that names no parameter.
    """
    names = [key for key, _ in model.named_parameters()]
    for pattern in patterns:
        if not any(_matches(key, pattern) for key in names):
            known = ", ".join(dict.fromkeys(key.split(".")[0] for key in names))
            raise ValueError(
                f"{name}: {pattern}: names no parameter: allowed are *, {known} and names within them"
            )
    return [key for key in names if any(_matches(key, pattern) for pattern in patterns)]


def _matches(key: str, pattern: str) -> bool:
    return fnmatchcase(key, pattern) or key.startswith(pattern + ".")


def split_stages(model: nn.Module, names: Sequence[str]) -> tuple[nn.Module, nn.Module]:
    """A model as what comes before the first of the named parameters, and the rest.

    Only an `nn.Sequential` can be cut, between its stages; of another module everything is the rest.

    Args:
        model: to be cut.
        names: of parameters.

    Returns:
        Both parts; their parameters are the model's, under the same names.
    """
    if not isinstance(model, nn.Sequential):
        return nn.Identity(), model
    own = {name.split(".")[0] for name in names}
    first = next((place for place, (key, _) in enumerate(model.named_children()) if key in own), len(model))
    return model[:first], model[first:]


def freeze(model: nn.Module, learned: Sequence[str]) -> None:
    """Let gradients reach the parameters that patterns name, and no others.

    Raises:
        ValueError: a pattern that names no parameter.
    """
    names = set(matching(model, learned, "learned"))
    for key, parameter in model.named_parameters():
        parameter.requires_grad_(key in names)


def take(values: Any, rows: Any) -> Any:
    """Rows of a batch that may be a tensor or a tuple of tensors."""
    if isinstance(values, Tensor):
        return values[rows]
    return tuple(value[rows] for value in values)
