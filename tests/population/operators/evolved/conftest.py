"""Sources of operators, made of the body of their merge."""

from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[4] / "docs" / "evolved-operators"
HEAD = '''"""Does something to the models."""

import numpy as np

PARAMETERS = {"scale": (0.0, 2.0, 1.0)}


def merge(models, base, parameters, random):
'''


@pytest.fixture(scope="session")
def source() -> Callable[[str], str]:
    """A source whose merge has this body."""
    return lambda body: HEAD + "".join(f"    {line}\n" for line in body.split("\n"))


@pytest.fixture(scope="session")
def examples() -> dict[str, str]:
    """The sources that the documentation shows, by name."""
    return {path.stem: path.read_text() for path in sorted(EXAMPLES.glob("*.py"))}
