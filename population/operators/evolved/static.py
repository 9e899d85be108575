"""What is wrong with an operator's source, told without running it.

A courtesy to whoever writes one, and to reviewers, who need not look for tricks: the sandbox is the
wall, and holds without any of this.
"""

import ast
import unicodedata
from collections.abc import Iterator

from speciate.configs.operators.evolved import LONGEST
from speciate.errors import ConfigError
from speciate.population.operators.evolved.source import PARAMETERS, declared, tree_of

ARGUMENTS = ["models", "base", "parameters", "random"]
MODULES = ("numpy", "numpy.linalg", "numpy.fft", "math", "itertools", "functools")
_FUNCTIONS = """
    abs all any bool dict divmod enumerate filter float frozenset int isinstance iter len list map
    max min next pow range reversed round set slice sorted str sum tuple zip
    ArithmeticError AssertionError Exception FloatingPointError IndexError KeyError LookupError
    NotImplementedError OverflowError RuntimeError StopIteration TypeError ValueError
    ZeroDivisionError
"""
# What numpy has that reaches for files, memory or its own insides, and what leads to frames.
_INSIDES = """
    load save savez savez_compressed loadtxt savetxt genfromtxt fromfile tofile fromregex memmap
    DataSource frombuffer open_memmap dump dumps ctypes ctypeslib data lib f2py testing core rec
    distutils compat char emath ma polynomial matlib dtypes exceptions typing strings version
    format format_map setflags setfield getfield setbufsize seterr seterrcall set_printoptions
    show_config show_runtime get_include info test nditer nested_iters vectorize frompyfunc
    mro gi_frame gi_code cr_frame cr_code ag_frame ag_code tb_frame tb_next f_back f_globals
    datetime64 f_locals f_builtins f_code with_traceback add_note
"""
BUILTINS, _ATTRIBUTES = frozenset(_FUNCTIONS.split()), frozenset(_INSIDES.split())
_STATEMENTS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.Assign, ast.AnnAssign)
_AT_WORK = (
    *(ast.Call, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
    *(ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr, ast.JoinedStr),
)
_REFUSED = {
    ast.ClassDef: "no classes",
    ast.AsyncFunctionDef: "nothing asynchronous",
    ast.Await: "nothing asynchronous",
    ast.AsyncFor: "nothing asynchronous",
    ast.AsyncWith: "nothing asynchronous",
    ast.Global: "no global variables; nothing is remembered from one tensor to the next",
    ast.Nonlocal: "no nonlocal variables",
}
_DEEPEST, _SENTENCE, _SHOWN = 60, 200, 20


def check(source: str) -> list[str]:
    """What is wrong with a source, a line each; nothing if it may be tried out."""
    if len(source.encode("utf-8", "replace")) > LONGEST:
        return [f"longer than {LONGEST} bytes"]
    for number, line in enumerate(source.split("\n"), 1):
        odd = next((one for one in line if _is_hidden(one)), None)
        if odd is not None:
            return [f"line {number}: has the invisible character U+{ord(odd):04X}"]
    try:
        tree = tree_of(source)
        if _depth(tree) > _DEEPEST:
            return ["nested too deeply"]
        found = declared(source)
    except ConfigError as exc:
        return [str(exc)]
    problems = list(_problems(tree))
    if len(found.sentence) > _SENTENCE:
        problems.append(f"line 1: a sentence of more than {_SENTENCE} characters")
    return list(dict.fromkeys(problems))[:_SHOWN]


def _is_hidden(one: str) -> bool:
    """Control and format characters, with which a text can look like another one."""
    return one != "\t" and unicodedata.category(one) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _depth(tree: ast.AST) -> int:
    deepest = 0
    waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting += [(child, depth + 1) for child in ast.iter_child_nodes(node)]
    return deepest


def _problems(tree: ast.Module) -> Iterator[str]:
    for statement in tree.body:
        yield from _at_top(statement)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    merges = [node for node in functions if node.name == "merge"]
    if len(merges) != 1 or not _takes_all(merges[0].args):
        yield f"define merge({', '.join(ARGUMENTS)}) once, with these arguments"
    known = _bound(tree)
    for node in ast.walk(tree):
        said = _of(node, known)
        if said:
            yield f"line {getattr(node, 'lineno', 1)}: {said}"


def _at_top(node: ast.stmt) -> Iterator[str]:
    """Only what takes no time."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if not isinstance(node, _STATEMENTS):
        yield f"line {node.lineno}: only imports, constants and functions at the top"
        return
    outside: list[ast.AST | None] = [node]
    if isinstance(node, ast.FunctionDef):
        outside = [*node.args.defaults, *node.args.kw_defaults]
        if node.decorator_list:
            yield f"line {node.lineno}: no decorators"
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        outside = [node.value]
    for part in outside:
        if part is not None and any(isinstance(one, _AT_WORK) for one in ast.walk(part)):
            yield f"line {node.lineno}: nothing is computed outside of functions"


def _takes_all(arguments: ast.arguments) -> bool:
    plain = [one.arg for one in arguments.args] == ARGUMENTS
    others = (arguments.posonlyargs, arguments.kwonlyargs, arguments.defaults)
    return plain and not any(others) and not arguments.vararg and not arguments.kwarg


def _bound(tree: ast.Module) -> dict[str, str]:
    """All names that a source gives to anything, with the module where it is one."""
    known = dict.fromkeys((PARAMETERS, "merge"), "")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for one in node.names:
                name = one.asname or one.name.partition(".")[0]
                known[name] = one.name if isinstance(node, ast.Import) else ""
        elif name := _given(node):
            known.setdefault(name, "")
    return known


def _given(node: ast.AST) -> str:
    """The name that a node gives to something, if it does."""
    if isinstance(node, ast.Name):
        return node.id if isinstance(node.ctx, ast.Store) else ""
    if isinstance(node, ast.arg):
        return node.arg
    kinds = (ast.FunctionDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)
    return (node.name or "") if isinstance(node, kinds) else ""


def _of(node: ast.AST, known: dict[str, str]) -> str:
    """What is wrong with one node, or nothing."""
    if type(node) in _REFUSED:
        return _REFUSED[type(node)]
    if isinstance(node, ast.Import):
        return _imported([one.name for one in node.names], node.names)
    if isinstance(node, ast.ImportFrom):
        return _imported([node.module or ""], node.names) if not node.level else "imports itself"
    if isinstance(node, ast.Attribute):
        return _attribute(node, known)
    if isinstance(node, ast.MatchClass):
        return "no patterns of classes"
    if isinstance(node, ast.keyword | ast.arg | ast.FunctionDef):
        name = node.name if isinstance(node, ast.FunctionDef) else node.arg or ""
        return f"name '{name}' begins with two underscores" if name.startswith("__") else ""
    if isinstance(node, ast.Name):
        if node.id.startswith("__"):
            return f"name '{node.id}' begins with two underscores"
        if node.id not in known and node.id not in BUILTINS:
            return f"name '{node.id}' is not defined here, and no function that may be used"
    return ""


def _imported(modules: list[str], names: list[ast.alias]) -> str:
    for module in modules:
        if module not in MODULES:
            return f"imports {module}; only {', '.join(MODULES)} may be"
    for one in names:
        last = one.name.rpartition(".")[2]
        if last in _ATTRIBUTES or last == "random" or last.startswith(("_", "*")):
            return f"imports {one.name}, which may not be used"
        if (one.asname or "").startswith("__"):
            return f"name '{one.asname}' begins with two underscores"
    return ""


def _attribute(node: ast.Attribute, known: dict[str, str]) -> str:
    if node.attr.startswith("_") or node.attr in _ATTRIBUTES:
        return f"attribute '{node.attr}' may not be used"
    whose = node.value
    if node.attr == "random" and isinstance(whose, ast.Name) and known.get(whose.id) == "numpy":
        return "numpy.random is not keyed; use the argument random"
    return ""
