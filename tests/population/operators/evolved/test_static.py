"""What is told of a source without running it."""

from collections.abc import Callable

import pytest

from speciate.errors import ConfigError
from speciate.population.operators.evolved import check, declared, normalised
from speciate.population.operators.evolved.source import Bound

Source = Callable[[str], str]
GOOD = "return np.mean(models, axis=0) * np.float32(parameters['scale'])"
IMPORTS = "imports {}; only numpy, numpy.linalg, numpy.fft, math, itertools, functools may be"
UNKNOWN = "name '{}' is not defined here, and no function that may be used"


def test_the_examples_have_no_problems(examples: dict[str, str]) -> None:
    assert sorted(examples) == ["linear", "sign_consensus", "trimmed_mean"]
    assert {name: check(text) for name, text in examples.items()} == {name: [] for name in examples}


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        "import math\nfrom itertools import combinations\nreturn models[0] * math.pi",
        "from numpy.linalg import svd\nu, s, v = svd(models[0])\nreturn u",
        "noise = random.random(models[0].shape)\nreturn models[0] + noise",
        "with np.errstate(divide='ignore'):\n    return np.divide(models[0], models[1])",
        "def inner(x, *rest, **named):\n    return x\nreturn inner(models[0])",
        "try:\n    return models[0]\nexcept (ValueError, IndexError) as error:\n    raise error",
        "rows = {n: one for n, one in enumerate(models)}\nreturn max(rows.values(), key=np.sum)",
        "match len(models):\n    case 1:\n        return models[0]\n    case other:\n        "
        "return models[other - 1]",
        "names = [f'{one.sum():.2f}' for one in models]\nreturn (lambda x: x)(models[0])",
    ],
)
def test_what_may_be(source: Source, body: str) -> None:
    assert check(source(body)) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import os", IMPORTS.format("os")),
        ("import numpy.random", IMPORTS.format("numpy.random")),
        ("import torch as np", IMPORTS.format("torch")),
        ("from importlib import import_module", IMPORTS.format("importlib")),
        ("from numpy import load", "imports load, which may not be used"),
        ("from numpy import *", "imports *, which may not be used"),
        ("from numpy import random", "imports random, which may not be used"),
        ("from . import x", "imports itself"),
        ("import math as __builtins__", "name '__builtins__' begins with two underscores"),
        ("return np.load('x')", "attribute 'load' may not be used"),
        ("return np.lib.npyio", "attribute 'lib' may not be used"),
        ("models[0].tofile('x')", "attribute 'tofile' may not be used"),
        ("return models[0].ctypes", "attribute 'ctypes' may not be used"),
        ("models[0].setflags(write=True)", "attribute 'setflags' may not be used"),
        ("return np.random.rand(3)", "numpy.random is not keyed; use the argument random"),
        ("return ().__class__", "attribute '__class__' may not be used"),
        ("return np._core", "attribute '_core' may not be used"),
        ("return '{0.x}'.format(np)", "attribute 'format' may not be used"),
        ("return (x for x in []).gi_frame", "attribute 'gi_frame' may not be used"),
        ("return __import__('os')", "name '__import__' begins with two underscores"),
        ("__builtins__ = 1", "name '__builtins__' begins with two underscores"),
        ("def __getattr__(x):\n    return x", "name '__getattr__' begins with two underscores"),
        ("return open('x')", UNKNOWN.format("open")),
        ("return eval('1')", UNKNOWN.format("eval")),
        ("return exec('1')", UNKNOWN.format("exec")),
        ("return compile('1', '', 'eval')", UNKNOWN.format("compile")),
        ("return getattr(np, 'load')", UNKNOWN.format("getattr")),
        ("return globals()", UNKNOWN.format("globals")),
        ("return vars(np)", UNKNOWN.format("vars")),
        ("return type(models[0])", UNKNOWN.format("type")),
        ("return np.datetime64('now')", "attribute 'datetime64' may not be used"),
        ("return print(1)", UNKNOWN.format("print")),
        ("return input()", UNKNOWN.format("input")),
        ("return mdoels[0]", UNKNOWN.format("mdoels")),
        ("global seen", "no global variables; nothing is remembered from one tensor to the next"),
        ("class A: pass", "no classes"),
        ("async def f(): pass", "nothing asynchronous"),
        ("match models:\n    case np.ndarray(shape=x):\n        pass", "no patterns of classes"),
    ],
)
def test_what_may_not_be(source: Source, body: str, said: str) -> None:
    found = check(source(body))
    assert [one for one in found if one.startswith("line 9: " + said)] or [
        one for one in found if one.partition(": ")[2] == said
    ]
    assert all("\n" not in one for one in found)


MERGE = "define merge(models, base, parameters, random) once, with these arguments"
SIGNATURE = "def merge(models, base, parameters, random):"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (SIGNATURE, "def merge(models, base, parameters):", MERGE),
        (SIGNATURE, "def merge(models, base, parameters, random, *more):", MERGE),
        (SIGNATURE, "def merge(models, base, parameters, random=None):", MERGE),
        (SIGNATURE, "def merged(models, base, parameters, random):", MERGE),
        ('"""Does something to the models."""', "", "begin with a docstring of one sentence"),
        ("Does something", "x" * 300, "a sentence of more than 200 characters"),
        ("import numpy as np\n", "import numpy as np\nnp.seterr()\n", "only imports, constants"),
        ("import numpy as np\n", "import numpy as np\nfor x in []: pass\n", "only imports"),
        ("import numpy as np\n", "import numpy as np\nX = np.ones(3)\n", "nothing is computed"),
        ("import numpy as np\n", "import numpy as np\nX = [y for y in ()]\n", "nothing is comp"),
        (SIGNATURE, "@np.vectorize\n" + SIGNATURE, "no decorators"),
        ("np\n", "np\ndef f(x=np.ones(3)): return x\n", "nothing is computed"),
        ("(0.0, 2.0, 1.0)", "(0.0, 2.0)", "PARAMETERS: scale needs (low, high, default)"),
        ("(0.0, 2.0, 1.0)", "(0.0, 2.0, 3.0)", "PARAMETERS: scale needs (low, high, default)"),
        ("(0.0, 2.0, 1.0)", "(2.0, 2.0, 2.0)", "PARAMETERS: scale needs (low, high, default)"),
        ("(0.0, 2.0, 1.0)", "(0.0, 1e999, 1.0)", "PARAMETERS: scale needs (low, high, default)"),
        ("(0.0, 2.0, 1.0)", "(0, True, 1)", "PARAMETERS: scale needs (low, high, default)"),
        ("(0.0, 2.0, 1.0)", f"(0, 1{'0' * 400}, 1)", "int too large"),
        ('"scale"', '"no name"', "'no name' is no name of small letters"),
        ('"scale"', "[]", "unhashable type"),
        ('{"scale": (0.0, 2.0, 1.0)}', "dict(a=(0, 1, 0))", "is no literal"),
        ("def merge", "def merge(", "line 8: "),
        ("np.mean", "np.\u202emean", "line 9: has the invisible character U+202E"),
        ("np.mean", "np.\x1bmean", "line 9: has the invisible character U+001B"),
        ("return", "return\r", "has the invisible character U+000D"),
        ("np.mean", "np.\ud800mean", "has the invisible character U+D800"),
        ("np.mean", "np.\x00mean", "has the invisible character U+0000"),
        ("return", "return " + "-" * 200, "nested too deeply"),
        ("return", "return " + "-" * 15000, "nested too deeply"),
        ("return", "return " + "(" * 15000, "too many nested parentheses"),
        ("return", "return " + "9" * 5000 + " *", "integer string conversion"),
        ("return", "#" * 20000 + "\n    return", "longer than 20000 bytes"),
        ("return", "#" + "\u00e9" * 10000 + "\n    return", "longer than 20000 bytes"),
    ],
)
def test_what_a_source_must_be(source: Source, old: str, new: str, said: str) -> None:
    text = source(GOOD)
    assert old in text
    found = check(text.replace(old, new, 1))
    assert any(said in one for one in found), found
    assert all("\n" not in one for one in found)


def test_tabs_and_signs_of_other_languages_may_be(source: Source) -> None:
    text = (
        source(GOOD).replace("    return", "\treturn").replace("Does", "\u00c4ndert \u2211: does")
    )
    assert check(text) == []


def test_problems_are_told_once_and_not_without_end(source: Source) -> None:
    assert len(check(source("\n".join(f"x = y{n}" for n in range(100))))) == 20
    assert len(check(source("x = y; x = y"))) == 1


def test_what_is_declared(source: Source) -> None:
    found = declared(source(GOOD))
    assert found.sentence == "Does something to the models."
    assert found.parameters == {"scale": Bound(0.0, 2.0, 1.0)}
    assert found.values({}) == {"scale": 1.0}
    assert found.values({"scale": 2}) == {"scale": 2.0}
    assert declared('"""Says little."""').parameters == {}
    with pytest.raises(ConfigError, match="line 1"):
        declared("x = (")


def test_declaring_runs_nothing() -> None:
    with pytest.raises(ConfigError, match="is no literal"):
        declared('"""X."""\nPARAMETERS = {"a": (0, 1, open("/tmp/never", "w"))}')


def test_names_and_words_are_no_difference(source: Source) -> None:
    one = source("total = np.sum(models, axis=0)  # all\nreturn total / len(models)")
    other = one.replace("total", "whole").replace("Does something", "Says other words")
    other = other.replace("import numpy as np", "import numpy\n").replace("np.", "numpy.")
    assert one != other
    assert normalised(one) == normalised(other)
    assert normalised(one) != normalised(one.replace("axis=0", "axis=1"))
    assert normalised(one) != normalised(one.replace("2.0", "3.0"))
    assert "merge(" in normalised(one)
    assert normalised(normalised(one)) == normalised(one)


def test_what_is_normalised_does_the_same(examples: dict[str, str]) -> None:
    for text in examples.values():
        names: dict[str, object] = {}
        exec(normalised(text), names)
        assert callable(names["merge"])
