"""What commands show of broken constraints and of workers, by hand and of a real campaign."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.evaluator import Engine
from speciate.records import Evaluation, Individual, Parent, Recipe, Score, State
from speciate.session import run
from speciate.utilization import utilization

CONFIG = {
    "name": "people",
    "tasks": [
        {"name": "quiz", "kind": "multiple_choice", "search": "q.jsonl"},
        {"name": "prose", "kind": "likelihood", "search": "p.jsonl"},
    ],
    "constraints": [
        {"kind": "floor", "task": "quiz", "at_least": 0.75},
        {"kind": "no_worse_than_parents", "task": "prose", "tolerance": 0.1},
    ],
}
# Right or wrong at the quiz, and bits/char.
SCORED = {
    "alpha": ((1, 1, 1, 0), 2.0),
    "beta": ((1, 1, 0, 0), 1.5),
    "good": ((1, 1, 1, 1), 1.0),
    "bad": ((0, 1, 0, 0), 3.0),
}
People = tuple[Path, dict[str, str]]


def _person(name: str, recipe: Recipe, step: int) -> Individual:
    right, bits = SCORED[name]
    scores = {
        "quiz": Score("accuracy", tuple(map(float, right))),
        "prose": Score("bits/char", (bits,)),
    }
    evaluation = Evaluation(sum(right) / 4, scores, "engine")
    return Individual(recipe, name[0] * 64, step, "test", evaluation=evaluation)


def _archive(folder: Path, config: dict[str, Any]) -> People:
    """Two founders, and two children of theirs."""
    founders = [
        _person(name, Recipe("founder", (), {"name": name, "digest": name[0] * 64}, 0), 0)
        for name in ("alpha", "beta")
    ]
    parents = tuple(Parent(one.id, "model") for one in founders)
    children = [
        _person(name, Recipe("linear", parents, {"weights": None}, seed), 1)
        for seed, name in enumerate(("good", "bad"))
    ]
    everybody = [*founders, *children]
    with Archive.create(folder, config) as archive:
        archive.commit_step(State(0, 0, tuple(one.id for one in founders)), founders)
        members = tuple(one.id for one in (children[0], founders[1], children[1]))
        archive.commit_step(State(1, 2, members), children)
    return folder, {name: one.id for name, one in zip(SCORED, everybody, strict=True)}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    return _archive(tmp_path_factory.mktemp("people") / "out", CONFIG)


def _json(cli: Any, *words: object) -> Any:
    said = cli(*words, "--json")
    assert (said.status, said.err) == (0, "")
    return json.loads(said.out)


def test_show_says_what_is_broken(cli: Any, people: People) -> None:
    folder, ids = people
    floor, worse = _json(cli, "show", folder, ids["bad"])["violations"]
    assert floor == {
        "text": "quiz is 0.25, should be at least 0.75",
        "amount": pytest.approx(0.5 / 0.75),
    }
    assert worse["text"].startswith("prose is 3, worse by more than 0.1 than 1.5 of its parent")
    assert worse["amount"] == pytest.approx(1.4 / 1.5)
    said = cli("show", folder, ids["bad"]).out
    assert "breaks" in said
    assert floor["text"] in said
    assert _json(cli, "show", folder, ids["good"])["violations"] == []
    assert "breaks" not in cli("show", folder, ids["good"]).out


def test_status_counts_and_marks(cli: Any, people: People) -> None:
    folder, ids = people
    found = _json(cli, "status", folder)
    assert found["breaking"] == 2
    assert {one["id"]: len(one["violations"]) for one in found["members"]} == {
        ids["good"]: 0,
        ids["beta"]: 1,
        ids["bad"]: 2,
    }
    said = cli("status", folder).out.splitlines()
    assert said[1].strip() == "2 of 3 living break a constraint (!)"
    rows = {line.split()[0]: line.split()[1] == "!" for line in said[3:]}
    assert rows == {ids[name][:10]: name != "good" for name in ("good", "beta", "bad")}


def test_front_marks(cli: Any, people: People) -> None:
    folder, ids = people
    found = _json(cli, "front", folder)
    counts = {one["id"]: len(one["violations"]) for one in found["individuals"]}
    assert counts == {ids["good"]: 0, ids["alpha"]: 0, ids["beta"]: 1, ids["bad"]: 2}
    table = csv.DictReader(io.StringIO(cli("front", folder, "--csv").out))
    texts = {row["id"]: row["violations"] for row in table}
    assert texts[ids["beta"]] == "quiz is 0.5, should be at least 0.75"
    assert texts[ids["bad"]].count("; ") == 1
    assert texts[ids["good"]] == ""
    said = cli("front", folder).out
    assert f"{ids['bad'][:10]} !" in said
    assert "beta !" in said
    assert "alpha !" not in said
    assert "!: 2 of these break constraints; `speciate show` tells which" in said


def test_campaigns_without_constraints_say_nothing_of_them(cli: Any, tmp_path: Path) -> None:
    folder, ids = _archive(tmp_path / "out", CONFIG | {"constraints": []})
    for command in (["status"], ["front"], ["show", ids["bad"]]):
        said = cli(command[0], folder, *command[1:])
        assert (said.status, said.err) == (0, "")
        assert "!" not in said.out
        assert "break" not in said.out
    found = _json(cli, "status", folder)
    # Made by hand: no worker ever was there.
    assert (found["breaking"], found["workers"]) == (0, None)


def test_a_real_campaign(bench: Any, cli: Any, transformers: Engine) -> None:
    more = '[[constraints]]\nkind = "floor"\ntask = "t"\nat_most = 0.0'
    run(bench.campaign(more=more), bench.folder / "out", start=lambda *_: transformers)
    found = _json(cli, "status", bench.folder / "out")
    assert found["breaking"] == len(found["members"]) == 2
    [worker] = found["workers"]["each"]
    assert worker["jobs"] >= 5
    assert 0 < worker["busy"] <= 1
    shown = cli("status", bench.folder / "out").out.splitlines()
    assert shown[1].startswith("since the last start: 1 worker, busy ")
    assert shown[2].strip() == "2 of 2 living break a constraint (!)"
    name = found["members"][0]["id"]
    [broken] = _json(cli, "show", bench.folder / "out", name)["violations"]
    assert broken["text"].endswith(", should be at most 0")


def _done(worker: int, time: float, seconds: float) -> dict[str, Any]:
    return {"scored": "x", "worker": worker, "time": time, "work_seconds": seconds}


def _up(worker: int, time: float) -> dict[str, Any]:
    return {"start_seconds": 9.0, "worker": worker, "node": f"node-{worker}", "time": time}


def test_workers_since_the_last_start() -> None:
    before = [{"started": 1, "workers": 1, "time": 0.0}, _up(0, 5.0), _done(0, 9.0, 4.0)]
    found = utilization(
        [
            *before,
            {"started": 2, "workers": 4, "time": 100.0},
            _up(0, 110.0),
            _up(1, 120.0),
            _done(0, 130.0, 20.0),
            {"fault": "died", "worker": 1, "node": "node-1", "job": "x", "time": 140.0},
            _up(1, 160.0),
            {"failed": "y", "cause": "z", "worker": 1, "time": 200.0, "work_seconds": 25.0},
            _done(0, 200.0, 50.0),
            {"step": 1, "seconds": 1.0, "time": 210.0},
        ]
    )
    assert found is not None
    assert found.line() == "2 of 4 workers, 1 fault, busy 49% (28% to 70%)"
    told = found.to_json()
    assert (told["asked"], told["up"], told["faults"]) == (4, 2, 1)
    assert told["each"][1] == {
        "worker": 1,
        "node": "node-1",
        "jobs": 1,
        "faults": 1,
        "busy": pytest.approx(25 / 90),
    }


@pytest.mark.parametrize(
    ("telemetry", "said"),
    [
        ([{"started": 1, "workers": 1, "time": 0.0}, _up(0, 5.0)], "1 worker"),
        (
            [{"started": 1, "workers": 2, "time": 0.0}, {"fault": "x", "worker": 1, "time": 5.0}],
            "0 of 2 workers, 1 fault",
        ),
        # The start of an engine in the campaign's own process, as before starts were noted.
        ([{"start_seconds": 1.0, "time": 5.0}, _done(0, 7.0, 2.5)], "1 worker, busy 100%"),
    ],
)
def test_lines_about_workers(telemetry: list[dict[str, Any]], said: str) -> None:
    found = utilization(telemetry)
    assert found is not None
    assert found.line() == said


def test_nothing_is_known_of_workers() -> None:
    assert utilization([]) is None
    assert utilization([{"started": 1, "workers": 2, "time": 0.0}]) is None
