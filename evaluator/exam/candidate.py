"""Run in a sandbox of its own: the code of a model, which answers what tests ask of it.

Nothing here is to be believed once that code has begun, and nothing here knows what it should say.
"""

import contextlib
import operator
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from speciate.evaluator.exam.wire import Json, Peer, decode, encode, private_pipes

CODE = "/program/code.py"
_OPERATIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    **{name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "or_", "and_")},
    **{name: getattr(operator, name) for name in ("getitem", "setitem", "delitem", "call")},
    **{one.__name__: one for one in (getattr, setattr, len, iter, next, bool, str, repr, hash)},
    "isinstance": lambda kind, value: isinstance(value, kind),
    "enter": lambda value: value.__enter__(),
    "exit": lambda value: bool(value.__exit__(None, None, None)),
}
# The plain value that objects of a derived class also are.
_BASES: dict[type, Callable[[Any], Any]] = {
    int: int.__int__,
    float: float.__float__,
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    tuple: lambda value: tuple.__getitem__(value, slice(None)),
    frozenset: frozenset.copy,
}
_MUTABLE = (list, dict, set, bytearray)


class Given:
    """A function of the tests."""

    def __init__(self, number: int, call: Callable[..., Any]) -> None:
        """Takes the tests' number of it."""
        self.number, self._call = number, call

    def __call__(self, *arguments: Any) -> Any:  # noqa: ANN401
        """Has the tests call it."""
        return self._call(self.number, arguments)


class Candidate:
    """Objects that stay here, by number, and what is done to them."""

    def __init__(self) -> None:
        """Knows none yet."""
        self.module = ModuleType("solution")
        self.peer = Peer(*private_pipes(), self._answer)
        self._objects: list[Any] = []
        self._numbers: dict[int, int] = {}

    def load(self) -> None:
        """Runs the code, once."""
        with open(CODE, encoding="utf-8") as file:  # noqa: PTH123
            code = file.read()
        if "random" in code:
            # The same code gives the same answers each time.
            import_module("random").seed(0)
        sys.modules["solution"] = self.module
        exec(compile(code, CODE, "exec"), self.module.__dict__)  # noqa: S102

    def _answer(self, ask: dict[str, Json]) -> dict[str, Json]:
        try:
            if ask["do"] == "names":
                known = vars(self.module)
                found = {name: known[name] for name in ask["names"] if name in known}
                return {"value": encode(found, self._name)}
            arguments = [decode(one, self._find) for one in ask["args"]]
            named = {key: decode(one, self._find) for key, one in ask["named"].items()}
            value = encode(_OPERATIONS[ask["do"]](*arguments, **named), self._name)
            return {"value": value, "changed": self._changed(ask["args"], arguments)}
        except BaseException as exc:  # The tests decide what it means.
            return {"error": self.error(exc)}

    def _changed(self, before: list[Json], arguments: list[Any]) -> list[list[Json]]:
        """Positions and values of arguments that the code changed in place."""
        after = [
            encode(one, self._name) if isinstance(one, _MUTABLE) else old
            for one, old in zip(arguments, before, strict=True)
        ]
        return [[place, new] for place, new in enumerate(after) if new != before[place]]

    def error(self, exc: BaseException) -> Json:
        """An exception, whose classes the tests know by number or, if built in, by name."""
        try:
            arguments = encode(list(exc.args), self._name)
        except BaseException:  # Such as of a list that holds itself.
            arguments = []
        return {**self._classes(type(exc)), "args": arguments}

    def _classes(self, kind: type) -> dict[str, Json]:
        own = [one for one in kind.__mro__ if one.__module__ != "builtins"]
        built_in = next(one for one in kind.__mro__ if one.__module__ == "builtins")
        return {
            "own": [[self._number(one), one.__name__] for one in own],
            "kind": built_in.__name__,
        }

    def _name(self, value: Any) -> dict[str, Json]:  # noqa: ANN401
        if isinstance(value, Given):
            return {"function": value.number}
        if isinstance(value, type) and issubclass(value, BaseException):
            return {"exception": self._classes(value)}
        number = self._number(value)
        for base, plain in _BASES.items():
            if isinstance(value, base):
                return {"valued": [number, encode(plain(value), self._name)]}
        return {"object": number}

    def _number(self, value: Any) -> int:  # noqa: ANN401
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self._objects)
            self._objects.append(value)
        return self._numbers[id(value)]

    def _find(self, kind: str, content: Json) -> Any:  # noqa: ANN401
        if kind == "object":
            return self._objects[content]
        if kind == "function":
            return Given(content, self._call)
        module, _, name = content.partition(":")
        return operator.attrgetter(name)(import_module(module))

    def _call(self, number: int, arguments: Any) -> Any:  # noqa: ANN401
        reply = self.peer.ask(function=number, args=encode(list(arguments), self._name))
        if error := reply.get("error"):
            raise getattr(import_module("builtins"), error["kind"])(
                *decode(error["args"], self._find)
            )
        return decode(reply["value"], self._find)


def main() -> None:
    """Loads the code and answers until nobody asks any more."""
    candidate = Candidate()
    candidate.peer.send(value="started")
    try:
        candidate.load()
    except BaseException as exc:  # SystemExit, too.
        candidate.peer.send(error=candidate.error(exc))
        return
    candidate.peer.send(value="loaded")
    with contextlib.suppress(Exception):
        candidate.peer.wait()


if __name__ == "__main__":
    main()
