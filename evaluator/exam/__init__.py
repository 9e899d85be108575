"""Examines code that a model wrote: it runs in one sandbox, and the tests that ask it in another.

So whatever the code does to its own process - replace built-in functions, end it, search its
memory - it can only answer, and never see or touch what its answers are compared with.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from speciate.errors import SandboxError
from speciate.sandbox import Limits, Program, python, run_linked

_FOLDER = "speciate/evaluator/exam"
_MODULES = ("candidate", "examiner", "remote", "script", "wire")
# What the examiner says before the code can say anything.
_BEGUN = "ready\nbegun\n"


@dataclass(frozen=True)
class Exam:
    """What code is tested by.

    Attributes:
        tests: Statements of Python that raise if the code is wrong; see `Script`.
        entry_point: Name of what is tested, which tests also know as `candidate`.
    """

    tests: str
    entry_point: str | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether code passed, and in words why not."""

    passed: bool
    why: str = ""


def examine(code: str, exam: Exam, limits: Limits) -> Verdict:
    """Runs tests on code.

    Args:
        code: Whole Python source.
        exam: Its tests.
        limits: Of the code, and, once more, of the tests.

    Raises:
        SandboxError: There is no sandbox, or one is too small for Python to start.
    """
    content = json.dumps({"tests": exam.tests, "entry_point": exam.entry_point})
    tests, answers = run_linked(
        _program("examiner", "exam.json", content), _program("candidate", "code.py", code), limits
    )
    said = tests.stderr.decode(errors="replace")
    if not said.startswith(_BEGUN):
        words = " ".join((said + answers.stderr.decode(errors="replace")).split())
        raise SandboxError(f"Python does not start in a sandbox ({words[-200:]}); add memory")
    if said == f"{_BEGUN}passed":
        return Verdict(True)
    if limit := tests.stopped or answers.stopped:
        return Verdict(False, f"limit: {limit}")
    return Verdict(False, said.removeprefix(_BEGUN) or f"the tests ended with {tests.status}")


def _program(main: str, name: str, content: str) -> Program:
    # Surrogates have no bytes, and are no Python either.
    files = {name: content.encode("utf-8", "replace"), **_sources()}
    return Program(python(f"/program/{_FOLDER}/{main}.py"), files)


@cache
def _sources() -> dict[str, bytes]:
    here = Path(__file__).parent
    return {f"{_FOLDER}/{name}.py": (here / f"{name}.py").read_bytes() for name in _MODULES}
