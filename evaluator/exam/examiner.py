"""Run in a sandbox of its own: tests, which ask code in another sandbox, and the verdict.

The code is asked for values, and never shown what they are compared with. All comparing is done
here, so that nothing the code does to its own process can make a test pass.
"""

import builtins
import json
import os
import sys
from importlib import import_module
from typing import Any

from speciate.evaluator.exam.remote import Remote, number_of, valued
from speciate.evaluator.exam.script import Script
from speciate.evaluator.exam.wire import Json, Peer, decode, encode, private_pipes

EXAM = "/program/exam.json"


class Examiner:
    """Names that stand for objects of the code, and functions that are lent to it."""

    def __init__(self) -> None:
        """Knows no object yet."""
        self._peer = Peer(*private_pipes(), self._answer)
        self._remotes: dict[int, Remote] = {}
        self._errors: dict[int, type[BaseException]] = {}
        self._functions: list[Any] = []

    def await_begin(self) -> None:
        """Waits until the code's process is about to run it.

        Raises:
            ClosedError: It ended before.
        """
        self._peer.wait()

    def await_end(self) -> None:
        """Waits until the code was run.

        Raises:
            BaseException: Whatever the code raised.
        """
        self._value(self._peer.wait())

    def names(self, wanted: list[str]) -> dict[str, Any]:
        """Those of some names that the code defined."""
        found = self._value(self._peer.ask(do="names", names=wanted))
        if type(found) is not dict:
            raise ValueError("names have values")
        return {name: found[name] for name in wanted if name in found}

    def _do(self, what: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        """An operation that the code does, with the changes that it makes to arguments."""
        reply = self._peer.ask(
            do=what,
            args=[encode(one, self._name) for one in arguments],
            named={key: encode(one, self._name) for key, one in named.items()},
        )
        value = self._value(reply)
        for place, content in reply["changed"]:
            _replace(arguments[place], decode(content, self._find))
        return value

    def _value(self, reply: dict[str, Json]) -> Any:  # noqa: ANN401
        if error := reply.get("error"):
            raise self._error(error)(*decode(error["args"], self._find))
        return decode(reply["value"], self._find)

    def _answer(self, ask: dict[str, Json]) -> dict[str, Json]:
        """Calls a function that tests gave to the code."""
        try:
            arguments = [decode(one, self._find) for one in ask["args"]]
            found = self._functions[ask["function"]](*arguments)
            return {"value": encode(found, self._name)}
        except Exception as exc:  # It is the code's to handle.
            kind = next(one for one in type(exc).__mro__ if one.__module__ == "builtins")
            return {"error": {"kind": kind.__name__, "args": [str(exc)]}}

    def _name(self, value: Any) -> dict[str, Json]:  # noqa: ANN401
        number = number_of(value)
        if number is not None:
            return {"object": number}
        if (standard := _standard_name(value)) is not None:
            return {"named": standard}
        if callable(value):
            self._functions.append(value)
            return {"function": len(self._functions) - 1}
        raise TypeError(f"tests cannot give code an object of their own ({type(value).__name__})")

    def _find(self, kind: str, content: Json) -> Any:  # noqa: ANN401
        if kind == "object":
            return self._remotes.setdefault(int(content), Remote(self._do, int(content)))
        if kind == "valued":
            number, plain = content
            return valued(decode(plain, self._find), Remote(self._do, int(number)))
        if kind == "function":
            return self._functions[content]
        if kind == "exception":
            return self._error(content)
        raise ValueError(f"there is no kind {kind!r}")

    def _error(self, classes: dict[str, Json]) -> type[BaseException]:
        """A class of exceptions of the code, derived from the same built-in one."""
        found = getattr(builtins, str(classes["kind"]), None)
        if not (isinstance(found, type) and issubclass(found, BaseException)):
            raise ValueError("this is no class of exceptions")
        for number, name in reversed(classes.get("own", [])):
            found = self._errors.setdefault(int(number), type(str(name), (found,), {}))
        return found


def _replace(old: Any, new: Any) -> None:  # noqa: ANN401
    """Makes an argument what the code made of it."""
    if type(old) is not type(new):
        raise ValueError("an argument has become another type")
    if isinstance(old, list | bytearray):
        old[:] = new
    elif isinstance(old, dict | set):
        old.clear()
        old.update(new)


def _standard_name(value: Any) -> str | None:  # noqa: ANN401
    """Where the standard library has a function or class."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or "." in name:
        return None
    if module.partition(".")[0] not in sys.stdlib_module_names:
        return None
    return f"{module}:{name}" if getattr(sys.modules.get(module), name, None) is value else None


def main() -> None:
    """Says on standard error how far it came, and the verdict."""
    report = os.dup(2)
    with open(EXAM, encoding="utf-8") as file:  # noqa: PTH123
        exam = json.load(file)
    script, examiner = Script(exam["tests"], exam["entry_point"]), Examiner()
    os.write(report, b"ready\n")
    examiner.await_begin()
    os.write(report, b"begun\n")
    # From here on code may do its worst; whatever happens, there is no verdict but this.
    try:
        examiner.await_end()
        known = examiner.names(script.names)
        known |= {name: import_module(name) for name in script.modules}
        script.run({"__name__": "tests", **known})
    except BaseException as exc:  # Whatever code and tests raise.
        os.write(report, f"failed: {_told(exc)}".encode("utf-8", "replace"))
    else:
        os.write(report, b"passed")
    # Nothing that the tests left behind is to have another word.
    os._exit(0)


def _told(exc: BaseException) -> str:
    try:
        return f"{type(exc).__name__}: {exc}"[:200]
    except BaseException:  # Its words may be an object of the code's.
        return type(exc).__name__


if __name__ == "__main__":
    main()
