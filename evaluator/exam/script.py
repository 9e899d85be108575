"""The tests of an item: what they need of the code, and how they are run."""

import ast
import builtins
import sys
from collections.abc import Iterator
from typing import Any

_FILE = "tests"
_CHECK, _CANDIDATE = "check", "candidate"
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Script:
    """Statements of Python, with functions named check and test_..., that raise if code is wrong.

    What is built in is never the code's, unless it is what is tested; nor is a module of the
    standard library of which something is used. Otherwise the code could bring its own `abs` or
    `math`, and have tests believe what they compute.

    Attributes:
        names: That the code may define.
        modules: Of the standard library, that tests use without importing them.
    """

    def __init__(self, source: str, entry_point: str | None) -> None:
        """Compiles them.

        Args:
            source: The tests.
            entry_point: What is tested, which tests also know as `candidate`.

        Raises:
            ValueError: They cannot be compiled, or would not all be run.
        """
        try:
            tree = ast.parse(source, _FILE)
            self._code = compile(tree, _FILE, "exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
            raise ValueError(f"tests are not Python ({exc})") from exc
        nodes = list(ast.walk(tree))
        used = {one.id for one in nodes if isinstance(one, ast.Name)}
        opened = _names(one.value for one in nodes if isinstance(one, ast.Attribute))
        opened -= _names(one.func for one in nodes if isinstance(one, ast.Call))
        self.modules = sorted((opened & sys.stdlib_module_names) - {entry_point})
        free = used - set(self.modules) - set(dir(builtins)) - {_CANDIDATE}
        self.names = sorted(free | ({entry_point} if entry_point else set()))
        self._entry_point = entry_point
        self._functions = [one for one in tree.body if isinstance(one, Function)]
        self._refuse(tree, set(self.names) - set(_bound(nodes)))

    def _refuse(self, tree: ast.Module, unknown: set[str]) -> None:
        """What would pass because it is not run."""
        if not unknown and not self._entry_point:
            raise ValueError("tests use nothing of the code; name its function in 'entry_point'")
        if not self._entry_point and any(one.name == _CHECK for one in self._functions):
            raise ValueError("tests define check; name what it is called with in 'entry_point'")
        for one in self._tests():
            if isinstance(one, ast.AsyncFunctionDef) or _arguments(one):
                raise ValueError(f"{one.name} must be a plain function without arguments")
        for kind in (one for one in tree.body if isinstance(one, ast.ClassDef)):
            if any(isinstance(one, Function) and _is_test(one) for one in kind.body):
                raise ValueError(f"class {kind.name} is not run; write its tests as functions")

    def _tests(self) -> Iterator[Function]:
        return (one for one in self._functions if _is_test(one))

    def run(self, namespace: dict[str, Any]) -> None:
        """Runs all of them, with the names that they need.

        Raises:
            BaseException: Whatever they raise.
        """
        if self._entry_point:
            namespace[_CANDIDATE] = namespace[self._entry_point]
        exec(self._code, namespace)  # noqa: S102 - in a sandbox
        if any(one.name == _CHECK for one in self._functions):
            namespace[_CHECK](namespace[_CANDIDATE])
        for test in self._tests():
            namespace[test.name]()


def _names(expressions: Iterator[ast.expr]) -> set[str]:
    return {one.id for one in expressions if isinstance(one, ast.Name)}


def _bound(nodes: list[ast.AST]) -> Iterator[str]:
    """Names that tests give a meaning to themselves."""
    for one in nodes:
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            yield one.id
        elif isinstance(one, ast.arg):
            yield one.arg
        elif isinstance(one, ast.alias):
            yield (one.asname or one.name).partition(".")[0]
        elif isinstance(one, Function | ast.ClassDef) or (
            isinstance(one, ast.ExceptHandler) and one.name
        ):
            yield str(one.name)


def _is_test(function: Function) -> bool:
    return function.name.startswith("test_")


def _arguments(function: Function) -> bool:
    found = function.args
    return bool(found.posonlyargs or found.args or found.kwonlyargs)
