"""Filters find whom going through everybody would."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.archive.index.index import Index
from speciate.archive.index.query import Filters, search
from speciate.archive.index.rows import Row
from speciate.errors import UsageError
from speciate.records import Evaluation, Individual, Origin, Recipe, Score, State

TEXT = "a/b: text"
HIGHER = {"sums": True, TEXT: False}


@pytest.fixture
def index(campaign: Path) -> Index:
    return Archive.open(campaign).index


def _expected(index: Index, passes: Callable[[Row], bool]) -> list[str]:
    return [row.id for row in reversed(index.rows()) if passes(row)]


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({}, lambda _: True),
        ({"operators": ["ties"]}, lambda row: row.operator == "ties"),
        ({"operators": ["ties", "founder"], "min_score": 0.5}, lambda r: (r.fitness or 0) >= 0.5),
        ({"task": "sums", "min_score": 0.5}, lambda row: row.values.get("sums", 0) >= 0.5),
        ({"task": "sums", "max_score": 0.5}, lambda row: row.values.get("sums", 1) <= 0.5),
        ({"task": TEXT, "min_score": 0.5}, lambda row: row.values.get(TEXT, 1) <= 0.5),
        ({"task": TEXT, "max_score": 0.5}, lambda row: row.values.get(TEXT, 0) >= 0.5),
        ({"task": TEXT}, lambda row: TEXT in row.values),
        ({"born_after": 2, "born_before": 4}, lambda row: row.step == 3),
        ({"failed": True}, lambda row: row.fitness is None),
        ({"founders": True}, lambda row: row.name is not None),
        ({"proposers": ["evolution"]}, lambda _: True),
        (
            {"where": f'children > 2 and "{TEXT}" < 1'},
            lambda r: r.children > 2 and TEXT in r.values,
        ),
    ],
)
def test_filters(index: Index, filters: dict[str, Any], passes: Callable[[Row], bool]) -> None:
    found = [row.id for row in search(index, Filters(**filters), HIGHER)]
    assert found == _expected(index, passes)
    assert found


def test_kin_and_living(index: Index) -> None:
    living = {row.id for row in index.living()}
    assert {row.id for row in search(index, Filters(living=True), HIGHER)} == living
    assert {row.id for row in search(index, Filters(where="living"), HIGHER)} == living
    last, first = index.living()[0].id, index.rows()[0].id
    above = {row.id for row in index.ancestors(last)} - {last}
    assert {row.id for row in search(index, Filters(ancestor_of=last), HIGHER)} == above
    below = {row.id for row in index.descendants(first)} - {first}
    assert {row.id for row in search(index, Filters(descendant_of=first), HIGHER)} == below


def test_order_and_limit(index: Index) -> None:
    found = search(index, Filters(), HIGHER, ["-fitness", "step"])
    scored = [row for row in found if row.fitness is not None]
    assert found[: len(scored)] == scored, "those without come last"
    keys = [(-(row.fitness or 0), row.step, -row.number) for row in scored]
    assert keys == sorted(keys)
    assert search(index, Filters(), HIGHER, ["-fitness", "step"], 3) == found[:3]
    by_task = [row.values.get(TEXT, 9) for row in search(index, Filters(), HIGHER, [TEXT])]
    assert by_task == sorted(by_task)


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"operators": ["tie"]}, "--operator: nobody here has 'tie'; nearest: ties; there are fou"),
        ({"task": "sum"}, "--task: nobody here has a score on 'sum'; nearest: sums; there are"),
        ({"agents": ["coder"]}, "--agent: nobody here has 'coder'; there is none"),
    ],
)
def test_who_is_not_there_is_told(index: Index, filters: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        search(index, Filters(**filters), HIGHER)
    with pytest.raises(UsageError, match="--sort: no column 'fit'; nearest: fitness"):
        search(index, Filters(), HIGHER, ["-fit"])


def test_agents_reviewers_and_tasks_called_like_columns(tmp_path: Path) -> None:
    arms = ("coder@local/linear", "coder@other/any", "coderer@local/linear")
    score = {"Step": Score("accuracy", (1.0,)), "x'); --": Score("accuracy", (0.5,))}
    born = [
        Individual(
            Recipe("ties", (), {}, seed),
            "0" * 64,
            0,
            "agents",
            "",
            Evaluation(0.5, score, "engine"),
            origin=Origin(arm, "g", "t", reviewer="Ada <ada@example.org>" if seed else None),
        )
        for seed, arm in enumerate(arms)
    ]
    with Archive.create(tmp_path / "x", {}) as archive:
        archive.commit_step(State(0, 3, tuple(one.id for one in born)), born)
        index = archive.index

    def count(**filters: Any) -> int:
        return len(search(index, Filters(**filters), {}))

    assert [count(agents=[name]) for name in ("coder", "coder@local", arms[1])] == [2, 1, 1]
    assert count(agents=["coder@local", "coderer"]) == 2
    assert count(reviewers=["ADA@"]) == 2
    assert count(where='"task.Step" = 1 and step = 0 and "x\'); --" = 0.5') == 3
