"""Fronts and flips: by hand, on an archive made by hand, and on a real finished campaign."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from scipy.stats import wilcoxon

from speciate.archive.archive import Archive
from speciate.cli import compare
from speciate.evaluator import Engine
from speciate.flips import flips, shifts
from speciate.front import directions
from speciate.records import Evaluation, Individual, Parent, Recipe, Score, State
from speciate.session import run

TASKS = [
    {"name": "quiz", "kind": "multiple_choice", "search": "q.jsonl"},
    {"name": "prose", "kind": "likelihood", "search": "p.jsonl"},
    {"name": "held-out", "kind": "likelihood", "search": None},
    {"name": "odd", "kind": "likelihood", "search": "o.jsonl"},
]
# Right or wrong, answers and bits/char of four items; the fitness only orders rows.
SCORED = {
    "alpha": ((1, 1, 0, 0), "0213", (2.0, 2.0, 2.0, 2.0), 0.4),
    "beta": ((0, 0, 1, 0), "1323", (1.0, 1.0, 1.5, 1.0), 0.5),
    "child": ((1, 0, 1, 1), "0120", (1.5, 1.0, 2.5, 2.0), 0.6),
    "worse": ((0, 0, 0, 0), "1323", (3.0, 3.0, 3.0, 3.0), 0.1),
}


def _evaluated(name: str) -> Evaluation:
    right, answers, bits, fitness = SCORED[name]
    quiz = Score("accuracy", tuple(map(float, right)), tuple(answers))
    return Evaluation(fitness, {"quiz": quiz, "prose": Score("bits/char", bits)}, "engine")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """An archive of two founders, two offspring, one that failed and one of another task."""
    folder = tmp_path_factory.mktemp("people") / "out"
    founders = [
        Individual(
            Recipe("founder", (), {"name": name, "digest": digest}, 0),
            digest,
            0,
            "founder",
            evaluation=_evaluated(name),
        )
        for name, digest in (("alpha", "a" * 64), ("beta", "b" * 64))
    ]
    parents = tuple(Parent(one.id, "model") for one in founders)
    recipes = [Recipe("linear", parents, {"weights": None}, seed) for seed in range(4)]
    odd = Evaluation(0.0, {"odd": Score("bits/char", (1.0,))}, "engine")
    offspring = [
        Individual(recipes[0], "c" * 64, 1, "test", evaluation=_evaluated("child")),
        Individual(recipes[1], "d" * 64, 1, "test", evaluation=_evaluated("worse")),
        Individual(recipes[2], None, 1, "test", error="shapes differ"),
        Individual(recipes[3], "e" * 64, 1, "test", evaluation=odd),
    ]
    with Archive.create(folder, {"name": "people", "tasks": TASKS}) as archive:
        archive.commit_step(State(0, 0, tuple(one.id for one in founders)), founders)
        archive.commit_step(State(1, 4, (offspring[0].id,)), offspring)
    names = ("alpha", "beta", "child", "worse", "failed", "other")
    return folder, {name: one.id for name, one in zip(names, [*founders, *offspring], strict=True)}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, zoo: Path, transformers: Engine) -> Path:
    """Folder of a small finished campaign with graded scores and right or wrong answers."""
    folder = tmp_path_factory.mktemp("compare")
    tasks = ""
    for name, kind, split in (
        ("library", "likelihood", "search"),
        ("english", "likelihood", "search"),
        ("choice", "multiple_choice", "test"),
    ):
        lines = (zoo / "tasks" / f"{name}.{split}.jsonl").read_text().splitlines()
        (folder / f"{name}.search.jsonl").write_text("\n".join(lines[:12]))
        (folder / f"{name}.test.jsonl").write_text("\n".join(lines[12:18]))
        tasks += f'[[tasks]]\nname = "{name}"\nkind = "{kind}"\n'
        tasks += f'search = "{name}.search.jsonl"\ntest = "{name}.test.jsonl"\n'
    models = ", ".join(f'"{zoo}/models/{name}"' for name in ("library", "english"))
    (folder / "small.toml").write_text(f"""
name = "small"
[founders]
base = "{zoo}/models/base"
models = [{models}]
[engine]
type = "transformers"
[strategy]
type = "genome"
generations = 1
population = 2
crossover = [{{ operator = "slerp" }}]
{tasks}""")
    run(folder / "small.toml", folder / "out", start=lambda *_: transformers)
    return folder / "out"


def _json(cli: Any, *words: object) -> Any:
    said = cli(*words, "--json")
    assert (said.status, said.err) == (0, "")
    return json.loads(said.out)


def _binary(*items: int, answers: str | None = None) -> Score:
    return Score("accuracy", tuple(map(float, items)), tuple(answers) if answers else None)


def test_flips_by_hand() -> None:
    found = flips("t", _binary(1, 1, 0, 0, 1), _binary(0, 0, 1, 0, 0))
    assert [change.item for change in found.negative] == [1, 2, 5]
    assert [change.item for change in found.positive] == [3]
    # Of four flips, at most one or at least three in one direction: 2 * (1 + 4) / 16.
    assert found.p_value == pytest.approx(0.625)
    assert found.to_json()["negative_rate"] == pytest.approx(0.6)


def test_nothing_flips_between_equals() -> None:
    found = flips("t", _binary(1, 0), _binary(1, 0))
    assert (found.negative, found.positive, found.p_value) == ((), (), 1.0)
    same = shifts("t", Score("bits/char", (1.0,)), Score("bits/char", (1.0,)), False)
    assert (same.worse, same.better, same.p_value, same.gain) == ((), (), 1.0, None)


@pytest.mark.parametrize("higher", [True, False])
def test_shifts_by_hand(higher: bool) -> None:
    found = shifts("t", Score("m", (1.0, 1.0, 1.0, 1.0)), Score("m", (1.5, 0.9, 1.0, 1.2)), higher)
    more, less = (found.better, found.worse) if higher else (found.worse, found.better)
    assert [change.item for change in more] == [1, 4]
    assert [change.item for change in less] == [2]
    assert found.gain is not None
    assert found.gain.mean == pytest.approx(0.15 if higher else -0.15)
    # Ranks 3 and 2 against 1; of 8 signs, 2 have a smaller sum of at most 1, in either direction.
    assert found.p_value == pytest.approx(0.5)


def test_equal_differences_are_ties_in_spite_of_binary_fractions() -> None:
    before, after = (0.1, 0.2, 0.3, 1.1), (0.2, 0.3, 0.4, 1.0)
    found = shifts("t", Score("m", before), Score("m", after), True)
    assert found.p_value == pytest.approx(wilcoxon([1, 1, 1, -1]).pvalue)


pairs = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=30)


@given(pairs)
def test_flips_count_what_the_mean_gains_and_turn_with_the_direction(
    rows: list[tuple[int, int]],
) -> None:
    before, after = (_binary(*items) for items in zip(*rows, strict=True))
    there, back = flips("t", before, after), flips("t", after, before)
    balance = len(there.positive) - len(there.negative)
    assert balance == round((after.value - before.value) * len(rows))
    assert [change.item for change in there.negative] == [one.item for one in back.positive]
    assert there.p_value == back.p_value
    assert 0 < there.p_value <= 1


def test_who_wrote_a_kind_elsewhere_says_what_is_better() -> None:
    plugin = {"name": "errors", "kind": "plugin", "higher_is_better": False}
    assert directions({"tasks": [*TASKS[:2], plugin]}) == {
        "quiz": True,
        "prose": False,
        "errors": False,
    }


def test_front_by_hand(cli: Any, people: tuple[Path, dict[str, str]]) -> None:
    folder, ids = people
    found = _json(cli, "front", folder)
    # The child is best at the quiz, beta reads best; alpha and worse are behind both.
    assert found["front"] == [ids["child"], ids["beta"]]
    assert (found["compared"], found["failed"], found["gains_over"]) == (4, 2, ids["beta"])
    assert [(one["name"], one["higher_is_better"]) for one in found["tasks"]] == [
        ("quiz", True),
        ("prose", False),
    ]
    rows = {one["id"]: one for one in found["individuals"]}
    assert [rows[ids[name]]["front"] for name in ("child", "beta", "alpha", "worse")] == [
        1,
        1,
        2,
        3,
    ]
    assert rows[ids["child"]]["dominates"] == [ids["alpha"]]
    assert rows[ids["beta"]]["dominates"] == rows[ids["worse"]]["dominates"] == []
    assert rows[ids["beta"]]["gains"] == {}
    assert rows[ids["child"]]["scores"] == {"quiz": 0.75, "prose": 1.75}
    assert rows[ids["child"]]["gains"]["prose"]["mean"] == pytest.approx(1.125 - 1.75)
    assert rows[ids["child"]]["crowding"] is None


def test_front_of_the_living_and_limits(cli: Any, people: tuple[Path, dict[str, str]]) -> None:
    folder, ids = people
    living = _json(cli, "front", folder, "--living")
    assert {one["id"] for one in living["individuals"]} == {
        ids[name] for name in ("alpha", "beta", "child")
    }
    first = _json(cli, "front", folder, "--limit", 1)["individuals"]
    assert [one["id"] for one in first] == [ids["child"], ids["beta"], ids["alpha"]]
    assert len(_json(cli, "front", folder, "--limit", 0)["individuals"]) == 4


def test_front_as_csv(cli: Any, people: tuple[Path, dict[str, str]]) -> None:
    folder, ids = people
    said = cli("front", folder, "--csv", "--tasks", "prose, quiz")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert [row["id"] for row in rows[:2]] == [ids["child"], ids["beta"]]
    assert float(rows[0]["prose"]) == 1.75
    assert float(rows[0]["prose gain low"]) <= float(rows[0]["prose gain"])
    assert (rows[1]["prose gain"], rows[1]["crowding"]) == ("", "inf")


def test_flips_of_an_archive_have_answers(cli: Any, people: tuple[Path, dict[str, str]]) -> None:
    folder, ids = people
    found = _json(cli, "flips", folder, "alpha", ids["child"][:8])
    assert (found["before"], found["after"]) == (ids["alpha"], ids["child"])
    [quiz] = found["flips"]
    [prose] = found["shifts"]
    [lost] = quiz["negative"]
    assert (lost["item"], lost["answer_before"], lost["answer_after"]) == (2, "2", "1")
    assert [change["item"] for change in quiz["positive"]] == [3, 4]
    assert [change["item"] for change in prose["worse"]] == [3]
    assert [change["item"] for change in prose["better"]] == [2, 1]
    only = _json(cli, "flips", folder, "alpha", "beta", "--task", "prose")
    assert (only["flips"], [one["task"] for one in only["shifts"]]) == ([], ["prose"])


def test_one_task_has_no_front_to_speak_of(cli: Any, people: tuple[Path, dict[str, str]]) -> None:
    folder, ids = people
    for more in ((), ("--plot",)):
        said = cli("front", folder, "--tasks", "quiz", *more)
        assert len(said.out.splitlines()) == 2
        assert ids["child"][:10] in said.out
    assert _json(cli, "front", folder, "--tasks", "quiz")["front"] == [ids["child"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["front", "--tasks", "quiz,nothing"], "no search scores of task 'nothing'; choose from: "),
        (["front", "--tasks", "held-out"], "no search scores of task 'held-out'"),
        (["front", "--json", "--plot"], "exclude each other"),
        (["flips", "alpha", "nobody"], "no individual begins with 'nobody'"),
        (["flips", "alpha", "failed"], "failed and has no scores (shapes differ)"),
        (["flips", "alpha", "other"], "have no task in common"),
        (["flips", "alpha", "beta", "--task", "held-out"], "choose from: quiz, prose"),
    ],
)
def test_errors_are_one_line(
    cli: Any, people: tuple[Path, dict[str, str]], words: list[str], said: str
) -> None:
    folder, ids = people
    named = [ids[word] if word in ("failed", "other") else word for word in words[1:]]
    found = cli(words[0], folder, *named)
    assert (found.status, found.out, len(found.err.splitlines())) == (2, "", 1)
    assert said in found.err


def test_nobody_scored_yet(cli: Any, tmp_path: Path) -> None:
    Archive.create(tmp_path / "out", {"name": "new", "tasks": TASKS}).close()
    assert "nobody has been scored yet" in cli("front", tmp_path / "out").err


def test_a_real_campaign(cli: Any, finished: Path) -> None:
    found = _json(cli, "front", finished)
    assert [one["name"] for one in found["tasks"]] == ["library", "english", "choice"]
    assert {one["id"] for one in found["individuals"]} >= set(found["front"])
    # Search scores, not those of the test splits.
    shown = _json(cli, "show", finished, found["front"][0])["scores"]
    assert found["individuals"][0]["scores"] == {name: one["value"] for name, one in shown.items()}
    merged = next(one["id"] for one in found["individuals"] if one["operator"] == "slerp")
    turned = _json(cli, "flips", finished, "library", merged)
    [choice] = turned["flips"]
    assert (choice["task"], choice["items"]) == ("choice", 12)
    assert {one["task"] for one in turned["shifts"]} == {"library", "english"}
    for one in turned["shifts"]:
        assert one["gain"]["mean"] == pytest.approx(one["before"] - one["after"])


@pytest.mark.parametrize(
    ("words", "height"),
    [
        (["front"], 24),
        (["front", "--plot", "--tasks", "library,english"], 24),
        (["flips", "library", "english"], 24),
    ],
)
def test_people_see_it_in_80_columns(
    cli: Any, finished: Path, words: list[str], height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "console", Console(width=80))
    monkeypatch.setattr("speciate.output.console", Console(width=80))
    said = cli(words[0], finished, *words[1:])
    assert (said.status, said.err) == (0, "")
    lines = said.out.splitlines()
    assert len(lines) <= height
    assert max(map(len, lines)) <= 80
    assert "library" in said.out
    if "--plot" in words:
        assert re.search("[◆◇]", said.out.split("\n", 3)[3])


def test_wide_terminals_show_intervals(
    cli: Any, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for width, shown in ((80, 0), (120, 3)):
        monkeypatch.setattr(compare, "console", Console(width=width))
        monkeypatch.setattr("speciate.output.console", Console(width=width))
        first = cli("front", finished, "--limit", 1).out.splitlines()
        intervals = max(len(re.findall(r"\[[+-].*?\]", line)) for line in first)
        assert intervals == shown


def test_commands_of_the_page_run(cli: Any, finished: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "compare.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    lines = [line.partition("#")[0].split() for block in blocks for line in block.splitlines()]
    name = _json(cli, "front", finished)["front"][0]
    given = {"runs/quickstart": finished, "ID": name}
    assert {line[1] for line in lines} == {"front", "flips", "diff", "kinship"}
    for line in lines:
        said = cli(*(given.get(word, word) for word in line[1:]))
        assert (said.status, said.err) == (0, ""), line
        assert said.out


def test_what_strangers_call_things_and_answer_is_shown_harmlessly(
    cli: Any, tmp_path: Path
) -> None:
    name, task, bad = "[red]x\x1b[2J", "[b]t\x1b", "\x1b[2J\x07"
    people = []
    for number, answer in enumerate(("right", bad)):
        recipe = Recipe("founder", (), {"name": f"{name}{number}", "digest": "a" * 64}, number)
        score = Score("accuracy", (1.0 - number, 1.0), (answer, "same"))
        more = Score("bits/char", (2.0, 1.0 + number))
        scores = Evaluation(0.5, {task: score, "prose": more}, "engine")
        people.append(Individual(recipe, "a" * 64, 0, "founder", evaluation=scores))
    tasks = [{**TASKS[0], "name": task}, TASKS[1]]
    config = {"name": "bad", "tasks": tasks, "founders": {"base": None, "models": []}}
    ids = [one.id for one in people]
    with Archive.create(tmp_path / "out", config) as archive:
        archive.commit_step(State(0, 0, tuple(ids)), people)
    for words in (["flips", *ids], ["diff", *ids], ["front"], ["front", "--plot"]):
        said = cli(words[0], tmp_path / "out", *words[1:])
        assert (said.status, said.err) == (0, "")
        assert "\x1b" not in said.out
        assert "\x07" not in said.out
        assert "[b]t\\x1b" in said.out
    said = cli("flips", tmp_path / "out", ids[0], ids[1], "--task", f"{bad}")
    assert said.status == 2
    assert "\x1b" not in said.err
