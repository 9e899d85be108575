"""A source in a form in which two that differ in names and words only are the same."""

import ast

from speciate.population.operators.evolved.source import PARAMETERS, tree_of

_KEPT = {PARAMETERS, "merge"}


def normalised(source: str) -> str:
    """A source without comments and docstrings, with names by the order in which they appear.

    Raises:
        ConfigError: It is no Python.
    """
    tree = tree_of(source)
    names = _Names()
    names.visit(tree)
    return ast.unparse(_Renamed(names.found).visit(tree))


class _Names(ast.NodeVisitor):
    """Collects what a source gives names to, in order."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def _add(self, name: str) -> None:
        if name not in _KEPT:
            self.found.setdefault(name, f"n{len(self.found)}")

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self._add(node.id)

    def visit_arg(self, node: ast.arg) -> None:
        self._add(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._add(node.name)
        self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> None:
        self._add(node.asname or node.name.partition(".")[0])


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def _new(self, name: str) -> str:
        return self._names.get(name, name)

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._without_docstring(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._new(node.name)
        return self._without_docstring(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._new(node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg, node.annotation = self._new(node.arg), None
        return node

    def visit_alias(self, node: ast.alias) -> ast.AST:
        node.asname = self._new(node.asname or node.name.partition(".")[0])
        return node

    def _without_docstring(self, node: ast.Module | ast.FunctionDef) -> ast.AST:
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)
