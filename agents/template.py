"""Templates of prompts, which agents may write too: a small part of jinja2, with bounds on it.

Only what is listed here can be said: names, `if`, `for`, comparisons and a few filters. There are
no calls, no arithmetic, no assignments and no imports, so that a template reaches nothing but its
variables, and its work is counted.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import islice
from typing import Any

from jinja2 import StrictUndefined, TemplateError, Undefined, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_TEMPLATE = 8_000
LONGEST_PROMPT = 80_000
_STEPS = 5_000
# A filter may look at everything.
_FILTER_STEPS = 10
_MOST_NODES = 1_000
_NODES = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Tuple),
    *(nodes.Getattr, nodes.Getitem, nodes.For, nodes.If, nodes.Filter, nodes.Test),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr),
)
_TESTS = ("defined", "none")
_COUNT = "counted"


def shipped(name: str) -> str:
    """The text of a template that ships with speciate, such as "breeder"."""
    return (files("speciate.agents") / "prompts" / f"{name}.md").read_text("utf-8")


def render(template: str, variables: Mapping[str, Any]) -> str:
    """A prompt.

    Raises:
        ValueError: The template is none, says what none may, or is too long with these variables;
            the text tells which.
    """
    try:
        tree = _parsed(template)
        environment = _environment(_Work())
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, _COUNT, [], [], None, None)
        return _joined(environment.from_string(tree).generate(**variables))
    except TemplateError as exc:
        raise ValueError(f"the template fails: {exc.message}") from exc
    except (AttributeError, TypeError, RecursionError) as exc:
        raise ValueError(f"the template fails: {exc}") from exc


def problems(template: str, variables: Mapping[str, Any], needed: Iterable[str]) -> list[str]:
    """What speaks against a template that somebody wrote; nothing if it may be used.

    Args:
        template: Its text.
        variables: Some to try it with, under all names that it may use.
        needed: Names that it must use, without which prompts would tell too little.
    """
    try:
        render(template, variables)
    except ValueError as exc:
        return [str(exc)]
    missing = sorted(set(needed) - find_undeclared_variables(_parsed(template)))
    return [f"the template does not show '{name}'; keep it" for name in missing]


class _Work:
    """Counts rounds of loops and calls of filters over all of a template."""

    def __init__(self) -> None:
        self._left = _STEPS

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise ValueError(f"the template takes more than {_STEPS} steps; loop less")

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.spend(1)
            yield item

    def filter(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def spending(value: Any) -> Any:  # noqa: ANN401
            self.spend(_FILTER_STEPS)
            return function(value)

        return spending


def _environment(work: _Work) -> ImmutableSandboxedEnvironment:
    # Prompts are no HTML.
    made = ImmutableSandboxedEnvironment(
        autoescape=False,
        undefined=StrictUndefined,
        finalize=_value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.clear()
    made.filters = {name: work.filter(one) for name, one in _FILTERS.items()}
    made.filters[_COUNT] = work.counted
    made.tests = {name: made.tests[name] for name in _TESTS}
    return made


def _parsed(template: str) -> nodes.Template:
    """The template as a tree of known nodes."""
    if len(template) > LONGEST_TEMPLATE:
        raise ValueError(f"the template is longer than {LONGEST_TEMPLATE} characters")
    if not template.replace("\n", "").isprintable():
        raise ValueError("the template has signs that cannot be seen; leave them out")
    tree = _environment(_Work()).parse(template)
    every = list(islice(tree.find_all(nodes.Node), _MOST_NODES + 1))
    if len(every) > _MOST_NODES:
        raise ValueError(f"the template has more than {_MOST_NODES} parts")
    for node in every:
        if not isinstance(node, _NODES):
            raise ValueError(
                f"the template has a {type(node).__name__} in line {node.lineno}; "
                "use names, if, for, comparisons and filters only"
            )
        if isinstance(node, nodes.Filter) and (node.name == _COUNT or node.args or node.kwargs):
            raise ValueError(f"line {node.lineno}: filters take nothing here")
        if isinstance(node, nodes.For) and node.recursive:
            raise ValueError(f"line {node.lineno}: loops are not recursive here")
    return tree


def _joined(parts: Iterable[str]) -> str:
    made, length = [], 0
    for part in parts:
        length += len(part)
        if length > LONGEST_PROMPT:
            raise ValueError(f"the prompt would be longer than {LONGEST_PROMPT} characters")
        made.append(part)
    return "".join(made).strip() + "\n"


def _value(value: Any) -> Any:  # noqa: ANN401
    """What may be written; not, for instance, methods, whose text holds addresses."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Undefined):
        return str(value)
    raise ValueError(f"a {type(value).__name__} cannot be written; name one of its parts")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.5g}"


def _json(value: Any) -> str:  # noqa: ANN401
    # Each time that a text is quoted again it may double.
    if isinstance(value, str):
        raise ValueError("a text needs no 'json'")
    return json.dumps(value, sort_keys=True)


def _join(texts: Any) -> str:  # noqa: ANN401
    if not isinstance(texts, Sequence) or isinstance(texts, str):
        raise ValueError("'join' is for lists")
    return ", ".join(str(_value(text)) for text in texts)


_FILTERS: dict[str, Callable[[Any], Any]] = {
    "number": _number,
    "json": _json,
    "items": lambda mapping: tuple(mapping.items()),
    "join": _join,
    "length": len,
}
