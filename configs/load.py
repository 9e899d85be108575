"""From a file to checked sections; every error names file and key."""

import re
import reprlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from speciate.configs.section import nearest
from speciate.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)
_QUOTED = r"'([^']*)'"
# Members of unions, which pydantic names within locations, as in tasks.0.likelihood.search.
_TYPES = frozenset(
    {"likelihood", "perplexity", "multiple_choice", "exact_match", "judge", "plugin", "vllm"}
    | {"lm_eval", "code", "transformers", "genome", "genome_plus", "steady_state", "nsga2", "floor"}
    | {"no_worse_than_parents", "negative_flips", "float", "bool", "str", "a number", "a list"}
    | {"a table", "rules", "per model", "kinship"}
    | {"random", "best_of", "greedy_soup", "m2n2", "map_elites", "cycle_qd", "cma_es", "dfs"}
    | {"ps_dfs", "darwin", "power_law", "archipelago", "novelty", "mate_choice", "frank_wolfe"}
    | {"surrogate", "mixture"}
)
_WRAPPERS = ("function-", "tuple[", "dict[")


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        ConfigError: The file is missing, unreadable, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the path of a TOML file") from None
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read ({exc.strerror}); check the path") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: not UTF-8 text ({exc}); save it as UTF-8") from exc
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(f"{path}: not valid TOML: {exc}; correct it there") from exc


def validated(model: type[Model], data: Mapping[str, Any], source: str) -> Model:
    """`data` as `model`.

    Raises:
        ConfigError: The first thing wrong: where (`source` and key), what, and what is expected.
    """
    try:
        return model.model_validate(data)
    except ValidationError as exc:
        raise ConfigError(f"{source}: {explain(exc)}") from exc


def explain(error: ValidationError) -> str:
    """The first of pydantic's complaints as `key: what is wrong`; our own go first."""
    problems: dict[tuple[str, ...], ErrorDetails] = {}
    for problem in sorted(error.errors(), key=lambda problem: problem["type"] != "value_error"):
        problems.setdefault(_place(problem), problem)
    # A list whose items were refused is called too short as well: only the items matter.
    places = [one for one in problems if not any(_is_inside(other, one) for other in problems)]
    more = len(places) - 1
    rest = f"; and {more} more problem{'s' * (more > 1)}" if more else ""
    where = ".".join(places[0])
    return (f"{where}: " if where else "") + _complaint(problems[places[0]]) + rest


def _is_inside(place: tuple[str, ...], outer: tuple[str, ...]) -> bool:
    return len(place) > len(outer) and place[: len(outer)] == outer


def _complaint(problem: ErrorDetails) -> str:
    given, context = problem.get("input"), problem.get("ctx", {})
    if problem["type"] == "union_tag_invalid":
        return _unknown(context["tag"], context["expected_tags"])
    if problem["type"] == "literal_error" and isinstance(given, str):
        return _unknown(given, context["expected"])
    if problem["type"] == "union_tag_not_found":
        return "field required"
    what = problem["msg"].removeprefix("Value error, ")
    what = what[0].lower() + what[1:]
    if isinstance(given, str | int | float) and problem["type"] != "value_error":
        what += f" (it is {reprlib.repr(given)})"
    return what


def _unknown(given: str, expected: str) -> str:
    """`expected` is pydantic's enumeration, such as "'living', 'champions' or 'all'"."""
    return f"unknown value {given!r}; {nearest(given, re.findall(_QUOTED, expected))}"


def _place(problem: ErrorDetails) -> tuple[str, ...]:
    """Keys down to the problem, without the names of types that pydantic puts between them."""
    parts = [str(part) for part in problem["loc"]]
    keys = [part for part in parts if part not in _TYPES and not part.startswith(_WRAPPERS)]
    if problem["type"].startswith("union_tag"):
        keys.append(problem["ctx"]["discriminator"].strip("'"))
    return tuple(keys)
