"""The table of traps in docs/operators: every row has a test, and some have it here."""

import re
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from speciate.population.operators.registry import OPERATORS

ROOT = Path(__file__).parents[3]
DOUBTFUL = {"mod", "dam", "sens_merging", "sub_moe", "mediator", "mwa", "one_bit", "mergelock"}


def test_every_trap_has_a_test() -> None:
    rows = re.findall(
        r"^\| (\d+) \|.*\| `(\w+)` \|$", (ROOT / "docs/operators/README.md").read_text(), re.M
    )
    assert [int(number) for number, _ in rows] == list(range(1, 27))
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    missing = [name for _, name in rows if f"def {name}(" not in tests]
    assert not missing


def test_a_task_vector_is_the_model_minus_the_base(merged: Callable[..., Tensor]) -> None:
    """Regression: a paper prints it the other way round, which would unlearn the task."""
    roles = {"base": [[1.0, 2.0]], "model": [[4.0, 0.0]]}
    assert merged("task_arithmetic", roles).tolist() == [4, 0]
    assert merged("task_arithmetic", roles, weights=[-1]).tolist() == [-2, 4]


def test_methods_of_doubtful_definition_are_not_offered() -> None:
    """Regression: two methods share a name, others differ between paper and code."""
    assert not DOUBTFUL & OPERATORS.keys()


def test_every_operator_has_its_section_in_the_documentation() -> None:
    for name, operator in OPERATORS.items():
        page = (ROOT / "docs/operators" / f"{operator.family}.md").read_text()
        assert re.search(rf"^## .*\b{name}\b", page, re.M), f"{name} in {operator.family}.md"
