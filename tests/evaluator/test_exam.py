"""Code and its tests, in real sandboxes: what passes, and that nothing else can."""

import pytest

from speciate.errors import SandboxError
from speciate.evaluator.exam import Exam, Verdict, examine
from speciate.sandbox import Limits

LIMITS = Limits(cpu_s=2, wall_s=30)
FORGED = "assert f(3) == 7\nassert abs(f(3) - 7) < 1e-6"


def verdict(code: str, tests: str, entry_point: str | None = None) -> Verdict:
    return examine(code, Exam(tests, entry_point), LIMITS)


PAIR = """
class Pair:
    made = 0
    def __init__(self, a, b):
        self.a, self.b = a, b
    def __eq__(self, other):
        return (self.a, self.b) == (other.a, other.b)
    def __lt__(self, other):
        return self.a < other.a
    def __add__(self, other):
        return Pair(self.a + other.a, self.b + other.b)
    def __len__(self):
        return 2
    def __getitem__(self, place):
        return (self.a, self.b)[place]
    def __enter__(self):
        return self
    def __exit__(self, *exc):
        self.a = None
def total(pairs):
    return sum(pair.a + pair.b for pair in pairs)
"""
CLASSES = """
one, two = Pair(1, 2), Pair(3, b=4)
assert total([one, two]) == 10
assert one + two == Pair(4, 6) and one != two and one < two and one != 5
one.a = 7
assert one.a == 7 and one[0] == 7 and len(one) == 2 and list(one) == [7, 2]
assert isinstance(one, Pair) and not isinstance(7, Pair)
with two as same:
    assert same is two
assert two.a is None
"""
KINDS = """
from collections import *
from enum import IntEnum
from fractions import Fraction
Point = namedtuple("Point", "x y")
class Size(IntEnum):
    S = 1
def every():
    return [None, True, 1.5, 10**40, "\\ud800", b"x", (1, [2]), {1, 2}, frozenset([3]),
            {(1,): {2: 3}}, range(3), 2j, Counter("aab"), OrderedDict(a=1), defaultdict(int, a=1),
            deque([1]), bytearray(b"y"), Fraction(1, 3), float("inf"), int, Point(1, 2), Size.S]
def numbers():
    yield from range(3)
def adder(n):
    return lambda m: n + m
"""
VALUES = """
from collections import Counter, deque
from fractions import Fraction
found = every()
assert found == [None, True, 1.5, 10**40, "\\ud800", b"x", (1, [2]), {1, 2}, frozenset([3]),
    {(1,): {2: 3}}, range(3), 2j, Counter("aab"), {"a": 1}, {"a": 1}, deque([1]), b"y",
    Fraction(1, 3), float("inf"), int, (1, 2), 1]
assert found[-2].y == 2 and found[-1].name == "S" and type(found[6]) is tuple
assert list(numbers()) == [0, 1, 2] and next(numbers()) == 0 and 2 in numbers()
assert adder(2)(3) == 5
assert math.isclose(found[2], 1.5)
"""
ERRORS = """
class Base(ValueError): pass
class Derived(Base): pass
def fail(kind):
    raise {"own": Derived("bad"), "key": KeyError("k"), "stop": StopIteration()}[kind]
"""
GUARDED = """
def guarded(function):
    try:
        return function()
    except ZeroDivisionError:
        return "caught"
"""
RAISING = """
for kind, expected in (("own", Base), ("own", Derived), ("own", ValueError), ("key", KeyError)):
    try:
        fail(kind)
    except expected as exc:
        assert exc.args == (("bad",) if kind == "own" else ("k",))
    else:
        assert False
"""


@pytest.mark.parametrize(
    ("code", "tests"),
    [
        ("def f(x): return x + 4", FORGED),
        (PAIR, CLASSES),
        (KINDS, VALUES),
        (ERRORS, RAISING),
        ("def f(x): x.sort()", "x = [2, 1]\nf(x)\nassert x == [1, 2]"),
        ("def f(m):\n    m['a'][0] = 1", "m = {'a': [0]}\nf(m)\nassert m == {'a': [1]}"),
        ("def f(g, x): return [g(y) for y in x]", "assert f(lambda n: n * 2, (1, 2)) == [2, 4]"),
        ("def f(g, x): return g(x)", "assert f(len, 'abc') == 3 and f(sorted, [2, 1]) == [1, 2]"),
        ("def f(g):\n    g(1)\n    g(2)", "got = []\nf(got.append)\nassert got == [1, 2]"),
        ("def g(x): return x + 1\ndef f(h): return h(1)", "assert f(lambda n: g(n) + g(n)) == 4"),
        (GUARDED, "assert guarded(lambda: 1 / 0) == 'caught' and guarded(lambda: 5) == 5"),
        ("print('noise')\nimport sys\nsys.stderr.write('x')\ndef f(): print(1)", "f()"),
        ("def f(): return input()", "try:\n    f()\nexcept EOFError: pass\nelse: assert False"),
        ("if __name__ == '__main__': raise SystemExit\ndef f(): return 1", "assert f() == 1"),
        ("import random\ndef f(): return random.random()", "assert f() == 0.8444218515250481"),
        ("def f(): return list({'a', 'b', 'c'})", "assert sorted(f()) == ['a', 'b', 'c']"),
    ],
)
def test_what_is_right_passes(code: str, tests: str) -> None:
    assert verdict(code, tests) == Verdict(True)


ANYTHING = """
class Anything(BASE):
    def __eq__(self, other): return True
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __eq__
    __ne__ = lambda self, other: False
    __hash__ = lambda self: hash(7)
    __sub__ = __rsub__ = __add__ = __mul__ = lambda self, other: 0
    __abs__ = __neg__ = __round__ = lambda self, *rest: 0
    __float__ = lambda self: 7.0
    __int__ = __index__ = lambda self: 7
def f(x): return Anything(VALUE)
"""
PATCHED = """
import builtins, math, operator, sys
builtins.abs = builtins.bool = builtins.isinstance = lambda *any: 0
builtins.AssertionError = type("Never", (Exception,), {})
math.isclose = lambda *any, **named: True
sys.settrace(lambda *any: None)
sys.excepthook = lambda *any: None
abs = lambda x: 0
def f(x): return 3
"""
SEARCHING = """
import gc, os, sys
def f(x):
    frame, seen = sys._getframe(), []
    while frame:
        seen.append(repr(frame.f_locals) + repr(frame.f_globals))
        frame = frame.f_back
    seen += [repr(one)[:1000] for one in gc.get_objects() if isinstance(one, (str, bytes, dict))]
    for folder, _, files in os.walk("/program"):
        seen += [open(os.path.join(folder, name)).read() for name in files]
    return 7 if any("== " + "7" in text for text in seen) else None
"""
SPEAKING = """
import json, os
def say(**message):
    data = json.dumps(message).encode()
    for fd in range(64):
        try:
            os.write(fd, len(data).to_bytes(4, "big") + data)
        except OSError:
            pass
for fd in range(64):
    try:
        os.write(fd, b"passed")
    except OSError:
        pass
def f(x): return 7
"""


REWRITTEN = """
import __main__
import speciate.evaluator.exam.wire as wire
wire.encode = wire.decode = lambda *any: 7
__main__.encode = lambda value, name: {"object": 0}
def f(x): return 3
"""


@pytest.mark.parametrize(
    "code",
    [
        "def f(x): return 3",
        "",
        "def f(x) return 7",
        "import sys\nsys.exit(0)",
        "import os\nos._exit(0)",
        "import os\nos.kill(os.getpid(), 9)",
        "print('passed')\nprint('ready\\nbegun\\npassed')",
        "import sys\nsys.stderr.write('ready\\nbegun\\npassed')\ndef f(x): raise SystemExit(0)",
        "def f(x):\n    import os\n    os._exit(0)",
        "def f(x): raise GeneratorExit",
        "def f(x): raise StopIteration",
        "import ctypes\ndef f(x): ctypes.string_at(0)",
        "def f(x):\n    return f(x)",
        "def f(x):\n    x = []\n    x.append(x)\n    return x",
        "def f(x): return 'x' * 10**8",
        "def f(x): return [0] * 10**8",
        ANYTHING.replace("BASE", "object").replace("VALUE", ""),
        ANYTHING.replace("BASE", "int").replace("VALUE", "3"),
        ANYTHING.replace("BASE", "float").replace("VALUE", "3"),
        ANYTHING.replace("BASE", "tuple").replace("VALUE", ""),
        ANYTHING.replace("BASE", "Exception").replace("VALUE", ""),
        "class StartError(BaseException): pass\nraise StartError",
        PATCHED,
        SEARCHING,
        SPEAKING,
        SPEAKING + "say(value=7, changed=[])\nsay(value=7, changed=[])",
        SPEAKING + "say(value={'dict': [['f', 7]]})",
        SPEAKING + "say(value={'dict': [['f', {'function': 0}]]})",
        SPEAKING + "say(error={'kind': 'eval', 'args': ['1']})",
        SPEAKING.replace('b"passed"', "bytes([255]) * 64"),
        "import os\nfor fd in range(3, 64):\n    try: os.close(fd)\n    except OSError: pass",
        REWRITTEN,
        "import threading, time, os\nthreading.Thread(target=lambda: os._exit(0)).start()\n"
        "time.sleep(1)",
    ],
)
def test_nothing_else_does(code: str) -> None:
    found = verdict(code, FORGED)
    assert not found.passed
    assert found.why


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        ("while True: pass", "cpu"),
        ("def f(x):\n    while True: pass", "cpu"),
        ("def f(x):\n    import os\n    while True: os.write(2, b'x' * 10**5)", "cpu"),
    ],
)
def test_limits_are_told(code: str, limit: str) -> None:
    assert verdict(code, FORGED) == Verdict(False, f"limit: {limit}")


def test_what_waits_forever_fails() -> None:
    found = examine("import time\ntime.sleep(1000)", Exam(FORGED), Limits(wall_s=2.0))
    assert found == Verdict(False, "limit: wall")


def test_a_sandbox_too_small_is_no_verdict() -> None:
    with pytest.raises(SandboxError, match="add memory"):
        examine("def f(x): return 7", Exam(FORGED), Limits(memory_mb=4))


def test_check_is_called_with_the_entry_point() -> None:
    tests = "def check(candidate):\n    assert candidate(3) == 7"
    assert verdict("def add(x): return x + 4", tests, "add").passed
    assert not verdict("def add(x): return x + 5", tests, "add").passed
    assert not verdict("def other(x): return x + 4", tests, "add").passed
    assert verdict("def sum(x, y): return x + y", "assert sum(1, 2) == 3", "sum").passed


def test_functions_named_test_are_called() -> None:
    tests = "def test_one():\n    assert f(3) == 7\ndef helper():\n    assert False"
    assert verdict("def f(x): return 7", tests).passed
    assert not verdict("def f(x): return 8", tests).passed


def test_tests_cannot_lend_objects_of_their_own() -> None:
    found = verdict("def f(x): return 1", "class Own: pass\nf(Own())")
    assert found.why == "failed: TypeError: tests cannot give code an object of their own (Own)"
