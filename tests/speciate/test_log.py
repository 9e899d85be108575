"""Lists of individuals: the filters of the command line, columns, and text of strangers."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.listing import Listing


@pytest.fixture
def log(cli: Any, family: Any) -> Any:
    """Names of who is listed."""
    names = {id_: name for name, id_ in family.ids.items()}

    def call(*words: object) -> list[str]:
        said = cli("log", family.folder, *words, "--json")
        assert (said.status, said.err) == (0, "")
        return [names[one["id"]] for one in json.loads(said.out)]

    return call


def test_newest_come_first(log: Any, family: Any) -> None:
    assert log("--limit", 0) == list(family.ids)[::-1]
    assert log("--limit", 2) == ["tip", "coded"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--operator", "ties"], ["mix"]),
        (["--operator", "ties", "--operator", "evolved"], ["coded", "mix"]),
        (["--born-after", 5, "--born-before", 8], ["lost", "mix", "chain 6"]),
        (["--agent", "coder"], ["coded"]),
        (["--reviewer", "ada@"], ["coded"]),
        (["--proposer", "agents"], ["coded"]),
        (["--failed"], ["lost"]),
        (["--living"], ["tip", "coded"]),
        (["--min-score", 0.75], ["tip", "coded"]),
        (["--task", "quiz", "--max-score", 0.0625], ["alpha"]),
        (["--task", "prose", "--min-score", 1.5], ["tip", "coded"]),
        (["--task", "prose", "--max-score", 2.875], ["alpha"]),
        (["--descendant-of", "beta"], ["tip", "mix"]),
        (["--founders"], ["stranger", "beta", "alpha"]),
        (["--where", "children > 1 and not living"], ["chain 6", "stranger"]),
        (["--where", "operator = 'gaussian' and quiz >= .5"], ["tip", "chain 6", "chain 5"]),
    ],
)
def test_filters(log: Any, words: list[object], found: list[str]) -> None:
    assert log(*words) == found


def test_kin_are_named_in_short_or_by_name(log: Any, family: Any) -> None:
    assert log("--descendant-of", family["mix"][:12]) == ["tip"]
    assert set(log("--ancestor-of", family["chain 2"])) == {"chain 1", "alpha"}


def test_order(log: Any) -> None:
    assert log("--sort", "-fitness", "--limit", 3) == ["tip", "coded", "mix"]
    assert log("--sort", "quiz,-step", "--limit", 1) == ["alpha"]
    assert log("--sort", "fitness", "--limit", 0)[-1] == "lost"


def test_columns_for_programs(cli: Any, family: Any) -> None:
    words = ("--columns", "id,living,prose,parents,made_by", "--limit", 2)
    found = json.loads(cli("log", family.folder, *words, "--json").out)
    assert [list(one) for one in found] == [["id", "living", "prose", "parents", "made_by"]] * 2
    assert found[0]["parents"] == [{"id": family["mix"], "role": "parent"}]
    assert found[1]["made_by"].startswith("evolved ")
    rows = list(csv.DictReader(io.StringIO(cli("log", family.folder, *words, "--csv").out)))
    assert rows[0]["parents"] == family["mix"]
    assert [row["living"] for row in rows] == ["1", "1"]
    assert float(rows[0]["prose"]) == found[0]["prose"]
    every = csv.DictReader(io.StringIO(cli("log", family.folder, "--csv").out))
    assert set(every.fieldnames or ()) == set(Listing(Archive.open(family.folder).index).names)


def test_tables_for_people(cli: Any, family: Any) -> None:
    said = cli("log", family.folder, "--limit", 3).out.splitlines()
    assert said[0].split() == ["id", "step", "fitness", "made", "by", "from"]
    assert said[1].split() == [family["tip"][:10], "8", "0.8125", "gaussian", family["mix"][:10]]
    assert said[-1] == "... more; --limit 0 shows all"
    assert "prose" in cli("log", family.folder, "--task", "prose").out.splitlines()[0]
    assert "more" not in cli("log", family.folder, "--failed").out


def test_many_are_listed_as_few_are(family: Any) -> None:
    archive = Archive.open(family.folder)
    listing, rows = Listing(archive.index), archive.index.rows()
    lines = list(listing.lines(rows, ["id", "fitness", "made_by"]))
    assert lines[0].split() == ["id", "fitness", "made", "by"]
    assert [line.split()[0] for line in lines[1:]] == [row.id[:10] for row in rows]
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize("form", [[], ["--csv"], ["--json"], ["--columns", "reason,proposer,name"]])
def test_text_of_strangers_is_not_obeyed(cli: Any, family: Any, form: list[str]) -> None:
    for words in ([], ["--columns", "error,reason,parents"]):
        said = cli("log", family.folder, "--limit", 0, *form, *(words if form else []))
        assert said.status == 0
        assert not {"\x1b", "\u202e"} & set(said.out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--operator", "tie"], "--operator: nobody here has 'tie'; nearest: ties; there are"),
        (["--agent", "breeder"], "--agent: nobody here has 'breeder'; there are coder@local/evo"),
        (["--task", "quizz"], "--task: nobody here has a score on 'quizz'; nearest: quiz; there"),
        (["--columns", "fit"], "--columns: no column 'fit'; nearest: fitness; there are number"),
        (["--sort", "-fitnes"], "--sort: no column 'fitnes'; nearest: fitness"),
        (["--where", "children >"], "--where is no condition"),
        (["--descendant-of", "gamma"], "no individual begins with 'gamma'"),
        (["--csv", "--json"], "--csv and --json exclude each other"),
    ],
)
def test_wrong_usage_is_one_line(cli: Any, family: Any, words: list[str], said: str) -> None:
    found = cli("log", family.folder, *words)
    assert (found.status, found.out) == (2, "")
    assert found.err.startswith(f"speciate: {said}")
    assert found.err.count("\n") == 1
    assert "\x1b" not in found.err


def test_the_docs_name_every_option_and_column(cli: Any, family: Any) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "archive.md").read_text()
    options = set(re.findall(r"--[a-z-]+", cli("log", "--help").out)) - {"--help"}
    assert options <= set(re.findall(r"--[a-z-]+", docs))
    columns = Listing(Archive.open(family.folder).index).names
    assert {f"`{name}`" for name in columns} - {"`quiz`", "`prose`"} <= set(
        re.findall(r"`\w+`", docs)
    )
