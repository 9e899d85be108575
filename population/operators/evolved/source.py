"""What an operator's source declares of itself, read without running it."""

import ast
import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from speciate.errors import ConfigError

PARAMETERS = "PARAMETERS"
MOST_PARAMETERS = 16
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Bound(NamedTuple):
    """What a parameter may be, and what it is if nobody says."""

    low: float
    high: float
    default: float


@dataclass(frozen=True)
class Declared:
    """What an operator is said to do, and its parameters by name."""

    sentence: str
    parameters: Mapping[str, Bound]

    def values(self, given: Mapping[str, float]) -> dict[str, float]:
        """A value for each parameter: the one given, or the default."""
        return {name: float(given.get(name, one.default)) for name, one in self.parameters.items()}


def declared(source: str) -> Declared:
    """What a source declares.

    Raises:
        ConfigError: It is no Python, or declares something else.
    """
    tree = tree_of(source)
    try:
        return Declared(_sentence(tree), _parameters(tree))
    except (ArithmeticError, MemoryError, RecursionError, TypeError, ValueError) as exc:
        raise ConfigError(str(exc)) from exc


def tree_of(source: str) -> ast.Module:
    """The syntax tree of a source.

    Raises:
        ConfigError: It is no Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except SyntaxError as exc:
        raise ConfigError(f"line {exc.lineno}: {exc.msg}") from exc
    except (ValueError, RecursionError, MemoryError) as exc:
        raise ConfigError(f"this is no Python ({str(exc) or 'nested too deeply'})") from exc


def _sentence(tree: ast.Module) -> str:
    """The first line of the docstring."""
    text = (ast.get_docstring(tree) or "").strip().partition("\n")[0].strip()
    if not text:
        raise ValueError("line 1: begin with a docstring of one sentence that says what it does")
    return text


def _parameters(tree: ast.Module) -> dict[str, Bound]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and [_target(one) for one in node.targets] == [PARAMETERS]:
            try:
                found = ast.literal_eval(node.value)
            except ValueError:
                found = None
            if not isinstance(found, dict) or len(found) > MOST_PARAMETERS:
                raise ValueError(
                    f"line {node.lineno}: {PARAMETERS} is no literal "
                    f"{{name: (low, high, default)}} of at most {MOST_PARAMETERS}"
                )
            return {_named(name): _bound(name, one) for name, one in found.items()}
    return {}


def _target(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _named(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{PARAMETERS}: {name!r:.60} is no name of small letters, digits and _")
    return name


def _bound(name: object, given: object) -> Bound:
    if isinstance(given, tuple) and len(given) == len(Bound._fields):
        numbers = [one for one in given if type(one) in (int, float) and math.isfinite(one)]
        if len(numbers) == len(given) and given[0] <= given[2] <= given[1] and given[0] < given[1]:
            return Bound(*map(float, given))
    raise ValueError(f"{PARAMETERS}: {name} needs (low, high, default) with low < high")
