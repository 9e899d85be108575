"""What tests see of objects that stay with the code under test: they ask it, and compare nothing.

An operator between such an object and a value of the tests would let the code say what the tests
want to hear, so there is none: they differ. Between two such objects the code decides, as it does
anyway when both are its own.
"""

from collections.abc import Callable
from typing import Any

Do = Callable[..., Any]


class Remote:
    """An object of the code under test."""

    __slots__ = ("__do", "__number")

    def __init__(self, do: Do, number: int) -> None:
        """Takes what asks for an operation on objects, and the number of this one."""
        object.__setattr__(self, "_Remote__do", do)
        object.__setattr__(self, "_Remote__number", number)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__do("getattr", self, name)

    def __setattr__(self, name: str, value: object) -> None:
        self.__do("setattr", self, name, value)

    def __call__(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401, D102
        return self.__do("call", self, *arguments, **named)

    def __enter__(self) -> Any:  # noqa: ANN401
        return self.__do("enter", self)

    def __exit__(self, *exc: object) -> Any:  # noqa: ANN401
        return self.__do("exit", self)

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, Remote | Valued) and self.__do("isinstance", self, value) is True


class Valued:
    """An object of the code under test that is also a plain value, by which it is compared."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("__"):
            raise AttributeError(name)
        remote: Remote = self.__dict__["remote"]
        return getattr(remote, name)


def number_of(value: object) -> int | None:
    """The number by which the code under test knows an object, if it does."""
    if isinstance(value, Valued):
        value = value.__dict__["remote"]
    if isinstance(value, Remote):
        return int(object.__getattribute__(value, "_Remote__number"))
    return None


def valued(plain: Any, remote: Remote) -> Any:  # noqa: ANN401
    """A plain value with the other attributes of an object.

    Raises:
        ValueError: The value is not plain.
    """
    kind = type(plain)
    if kind not in _VALUED:
        raise ValueError("this is no plain value")
    found = _VALUED[kind](plain)
    found.__dict__["remote"] = remote
    return found


def _unary(name: str) -> Callable[[Remote], Any]:
    return lambda self: object.__getattribute__(self, "_Remote__do")(name, self)


def _binary(name: str) -> Callable[[Remote, object], Any]:
    def method(self: Remote, other: object) -> Any:  # noqa: ANN401
        if not isinstance(other, Remote):
            return NotImplemented
        return object.__getattribute__(self, "_Remote__do")(name, self, other)

    return method


def _item(name: str) -> Callable[..., Any]:
    return lambda self, *rest: object.__getattribute__(self, "_Remote__do")(name, self, *rest)


# Operators are looked up in the class, not by __getattr__.
for _name in ("len", "iter", "next", "bool", "str", "repr", "hash"):
    setattr(Remote, f"__{_name}__", _unary(_name))
for _name in ("eq", "ne", "lt", "le", "gt", "ge", "add", "sub", "mul", "truediv", "or", "and"):
    setattr(Remote, f"__{_name}__", _binary(_name))
for _name in ("getitem", "setitem", "delitem"):
    setattr(Remote, f"__{_name}__", _item(_name))
_VALUED: dict[type, Any] = {
    kind: type(kind.__name__, (Valued, kind), {})
    for kind in (int, float, str, bytes, tuple, frozenset)
}
