"""Values between two processes of which one does not believe the other.

Plain values travel, and are equal on both sides; what is not plain stays where it is, and its
number travels. Nothing that arrives is executed, and no object is made of it but of the classes
named here. Runs inside sandboxes, where there is only the standard library.
"""

import json
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

# More than answers need, and less than a process may have in memory.
_LONGEST = 16 * 2**20
# Larger ones are written in base 16, which takes linear time.
_SHORT = 2**62

_SEQUENCES = {"tuple", "set", "frozenset", "collections.deque"}
_MAPPINGS = {"dict", "collections.Counter", "collections.OrderedDict", "collections.defaultdict"}
# By what arguments an equal object is made.
_ARGUMENTS: dict[str, Callable[[Any], list[Any]]] = {
    "bytes": lambda value: [value.decode("latin-1"), "latin-1"],
    "bytearray": lambda value: [value.decode("latin-1"), "latin-1"],
    "range": lambda value: [value.start, value.stop, value.step],
    "complex": lambda value: [value.real, value.imag],
    "decimal.Decimal": lambda value: [str(value)],
    "fractions.Fraction": lambda value: [value.numerator, value.denominator],
    "datetime.date": lambda value: [value.year, value.month, value.day],
    "datetime.timedelta": lambda value: [value.days, value.seconds, value.microseconds],
}
_TYPES: dict[str, type] = {
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "bytes": bytes,
    "list": list,
    "tuple": tuple,
    "dict": dict,
    "set": set,
    "frozenset": frozenset,
}

Json = Any
# What stands for an object that is not plain, as {kind: ...}; and the object that it stands for.
Name = Callable[[Any], dict[str, Json]]
Find = Callable[[str, Json], Any]


class ClosedError(Exception):
    """The other process is gone."""


def encode(value: Any, name: Name) -> Json:  # noqa: ANN401
    """A value as JSON."""
    kind = type(value)
    if value is None or kind in (bool, str, float):
        return value
    if kind is int:
        return value if -_SHORT < value < _SHORT else {"int": hex(value)}
    if kind is list:
        return [encode(one, name) for one in value]
    if kind is type and value in _TYPES.values():
        return {"type": value.__name__}
    return _parts(_dotted(kind), value, name) if _listed(kind) else name(value)


def _parts(kind: str, value: Any, name: Name) -> Json:  # noqa: ANN401
    if kind in _ARGUMENTS:
        return {kind: [encode(one, name) for one in _ARGUMENTS[kind](value)]}
    if kind in _MAPPINGS:
        return {kind: [[encode(key, name), encode(one, name)] for key, one in value.items()]}
    return {kind: [encode(one, name) for one in value]}


def decode(data: Json, find: Find) -> Any:  # noqa: ANN401
    """The value that `encode` was given, or an equal one.

    Raises:
        ValueError: `data` stands for no value.
    """
    if isinstance(data, list):
        return [decode(one, find) for one in data]
    if not isinstance(data, dict):
        return data
    if len(data) != 1:
        raise ValueError("a value has one kind")
    ((kind, content),) = data.items()
    if kind == "int":
        return int(str(content), 16)
    if kind == "type":
        return _TYPES[content]
    if kind in _SEQUENCES or kind in _MAPPINGS or kind in _ARGUMENTS:
        return _made(kind, decode(content, find))
    return find(kind, content)


def _made(kind: str, parts: list[Any]) -> Any:  # noqa: ANN401
    found = _class(kind)
    if kind in _ARGUMENTS:
        return found(*parts)
    if kind in _SEQUENCES:
        return found(parts)
    pairs = {key: value for key, value in parts}  # noqa: C416 - not of what merely looks like one
    return found(None, pairs) if kind == "collections.defaultdict" else found(pairs)


def _dotted(kind: type) -> str:
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _listed(kind: type) -> bool:
    name = _dotted(kind)
    return name in _SEQUENCES | _MAPPINGS | _ARGUMENTS.keys() and _class(name) is kind


def _class(name: str) -> Any:  # noqa: ANN401
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module or "builtins"), attribute)


class Peer:
    """One of the two processes: asks, and while it waits answers what it is asked."""

    def __init__(
        self, source: int, sink: int, answer: Callable[[dict[str, Json]], dict[str, Json]]
    ) -> None:
        """Takes the descriptors of two pipes, and what replies to questions."""
        self._source, self._sink, self._answer = source, sink, answer

    def ask(self, **question: Json) -> dict[str, Json]:
        """The other's reply to a question; answers the other's questions until it comes."""
        self.send(ask=question)
        return self.wait()

    def wait(self) -> dict[str, Json]:
        """The next message that is no question; answers those that come before."""
        while True:
            message = self._receive()
            if "ask" not in message:
                return message
            self.send(**self._answer(message["ask"]))

    def send(self, **message: Json) -> None:
        """Sends a message.

        Raises:
            ClosedError: Nobody reads it.
        """
        data = json.dumps(message).encode()
        if len(data) > _LONGEST:
            data = json.dumps({"error": {"kind": "ValueError", "args": ["too long"]}}).encode()
        left = memoryview(len(data).to_bytes(4, "big") + data)
        while left:
            try:
                left = left[os.write(self._sink, left) :]
            except BrokenPipeError as exc:
                raise ClosedError from exc

    def _receive(self) -> dict[str, Json]:
        length = int.from_bytes(self._read(4), "big")
        message = json.loads(self._read(length)) if length <= _LONGEST else None
        if not isinstance(message, dict):
            raise ValueError("this is no message")
        return message

    def _read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            found = os.read(self._source, min(count - len(data), 65536))
            if not found:
                raise ClosedError
            data += found
        return bytes(data)


def private_pipes() -> tuple[int, int]:
    """Standard input and output, out of reach of `input` and `print`, which get nothing."""
    ends = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    os.close(nothing)
    return ends
