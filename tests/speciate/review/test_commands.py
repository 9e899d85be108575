"""`speciate review` as a reviewer meets it."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.drafts import Decision

ADA = "Ada <ada@example.org>"
HOSTILE = "<script>alert(1)</script>\x1b[2J\u202e[red]"
Become = Callable[[str], None]


@pytest.fixture
def refused(cli: Any, waiting: Any) -> Callable[..., str]:
    """The one line of a command that ends with 2 and decides nothing."""

    def run(*words: object) -> str:
        before = waiting.archive.drafts.decisions()
        said = cli("review", *words)
        assert (said.status, said.out) == (2, ""), said
        assert waiting.archive.drafts.decisions() == before
        [line] = said.err.splitlines()
        return str(line).removeprefix("speciate: ")

    return run


def test_the_list_tells_what_waits(waiting: Any, cli: Any, become: Become) -> None:
    assert cli("review", "list", waiting.folder).out == "Nothing waits for review.\n"
    assert "Nobody has proposed" in cli("review", "list", waiting.folder, "--all").out
    waiting.put(7, waiting.recipe())
    waiting.put(8, waiting.recipe(seed=1), origin=None, step=4)
    listed = cli("review", "list", waiting.folder).out.splitlines()
    assert listed[1].split()[:6] == ["7", "3", "steps", "recipe", "linear", "breeder"]
    assert listed[1].split()[6:] == ["0.6250", "all", "recipes", "are", "reviewed"]
    assert listed[2].split()[:3] == ["8", "0", "steps"]
    assert cli("review", "approve", waiting.folder, 8).status == 0
    found = json.loads(cli("review", "list", waiting.folder, "--json").out)
    assert [(one["number"], one["age"], one["prediction"]) for one in found] == [(7, 3, 0.625)]
    everything = cli("review", "list", waiting.folder, "--all").out.splitlines()
    assert everything[1].split()[-1] == "waits"
    found = json.loads(cli("review", "list", waiting.folder, "--all", "--json").out)
    assert found[1]["decision"]["reviewer"] == ADA


def test_a_proposal_is_shown_against_the_most_similar(waiting: Any, cli: Any) -> None:
    waiting.put(7, waiting.recipe(parameters={"weights": [0.25, 0.5]}, seed=9))
    said = cli("review", "show", waiting.folder, 7)
    assert (said.status, said.err) == (0, "")
    assert f"against {waiting.alive[:10]}" in said.out
    assert '-  "seed": 1\n' in said.out
    assert '+  "seed": 9\n' in said.out
    assert '     "model maths",' in said.out
    assert "maths   model   0.5000  founder" in said.out
    found = json.loads(cli("review", "show", waiting.folder, 7, "--json").out)
    assert found["nearest"] == waiting.alive
    assert [one["fitness"] for one in found["parents"]] == [0.5, 0.25]


def test_code_is_shown_with_its_trials(waiting: Any, cli: Any) -> None:
    code = {"source": waiting.source, "values": {"share": 0.5}}
    trials = {"passed": True, "problems": ["slow"], "seconds": {"merge": 0.25}}
    recipe = waiting.recipe(operator="evolved", parameters=code)
    waiting.put(7, recipe, trials=trials)
    out = cli("review", "show", waiting.folder, 7).out
    assert "What is proposed, all new" in out
    assert "\n     return models[0]\n" in out
    assert "  passed: yes\n  problems: slow\n  seconds merge: 0.25\n" in out


def test_nothing_a_model_says_reaches_the_terminal_as_it_is(waiting: Any, cli: Any) -> None:
    code = {"source": f"{waiting.source}# {HOSTILE}", "values": {}}
    recipe = waiting.recipe(operator="evolved", parameters=code)
    waiting.put(
        7, recipe, reason=HOSTILE, proposer=HOSTILE, why=HOSTILE, trials={HOSTILE: [HOSTILE]}
    )
    for words in (("list",), ("show", 7)):
        out = cli("review", words[0], waiting.folder, *words[1:]).out
        assert all(sign.isprintable() or sign == "\n" for sign in out)
        assert "[red]" in out.replace("\n", "")
    assert r" # <script>alert(1)</script>\x1b[2J\u202e[red]" in out


def test_approving_and_rejecting(waiting: Any, cli: Any, become: Become) -> None:
    for number in range(3):
        waiting.put(number, waiting.recipe(seed=10 + number))
    said = cli("review", "approve", waiting.folder, 0, 2)
    assert said.out.splitlines()[0].startswith(f"0 approved by {ADA}: linear ")
    said = cli("review", "reject", waiting.folder, 1, "--reason", "seen before", "--json")
    assert json.loads(said.out) == [
        {"number": 1, "verdict": "reject", "reason": "seen before", "reviewer": ADA}
    ]
    found = waiting.archive.drafts.decisions()
    assert [found[number].verdict for number in range(3)] == ["approve", "reject", "approve"]
    assert waiting.archive.fsck() == []


def test_parents_that_died_are_told_of(waiting: Any, cli: Any, become: Become) -> None:
    waiting.put(7, waiting.recipe(waiting.alive, waiting.dead))
    words = cli("review", "approve", waiting.folder, 7).out.split()
    said = f"weights of {waiting.dead[:10]}, no longer alive, are rebuilt when needed"
    assert " ".join(words).endswith(said)


def test_what_cannot_be_bred_is_not_approved(
    waiting: Any, refused: Callable[..., str], become: Become
) -> None:
    waiting.put(1, waiting.recipe("0" * 40, waiting.alive))
    waiting.put(2, waiting.recipe(waiting.failed, waiting.alive))
    waiting.put(3, waiting.recipe(operator="nonsense"))
    waiting.put(4, waiting.archive.individuals[waiting.alive].recipe)
    waiting.put(5, waiting.recipe(parameters={"weights": [1.0]}))
    waiting.put(6, waiting.recipe())
    for number, complaint in (
        (1, "proposal 1: parent 0000000000 is not in the archive; reject it, or edit the parent"),
        (2, f"proposal 2: parent {waiting.failed[:10]} failed: no weights; reject it"),
        (3, "proposal 3: unknown operator 'nonsense'"),
        (4, f"proposal 4: {waiting.alive[:10]} was bred already; reject or edit it"),
        (5, "proposal 5: linear:"),
    ):
        assert refused("approve", waiting.folder, 6, number).startswith(complaint)


def test_wrong_usage_is_told(
    waiting: Any, cli: Any, refused: Callable[..., str], become: Become, tmp_path: Path
) -> None:
    waiting.put(7, waiting.recipe())
    assert refused("approve", waiting.folder, 7, 8).endswith(
        "has no proposal 8; `speciate review list` shows all"
    )
    assert refused("show", waiting.folder, 8).startswith(str(waiting.folder))
    assert refused("reject", waiting.folder, 7).startswith("a rejection needs a reason")
    assert "is not an archive" in refused("list", tmp_path / "nowhere")
    become("")
    assert "git does not know who you are" in refused("approve", waiting.folder, 7)
    become("Ada")
    assert cli("review", "approve", waiting.folder, 7).status == 0
    become("Bob")
    first = "proposal 7 was approved already by Ada <ada@example.org>"
    assert refused("reject", waiting.folder, 7, "--reason", "no") == first
    assert refused("edit", waiting.folder, 7) == first


def _editor(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    program = folder / "editor"
    program.write_text(
        f"#!/bin/sh\n{script}\n# A file that is as old as it was counts as unsaved.\n"
        'touch -d "+1 minute" "$1"\n'
    )
    program.chmod(0o755)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(program))


def test_an_edited_recipe_is_approved(
    waiting: Any, cli: Any, become: Become, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    draft = waiting.put(7, waiting.recipe())
    _editor(monkeypatch, tmp_path, 'sed -i "s/^seed = 0/seed = 5/" "$1"')
    said = cli("review", "edit", waiting.folder, 7, "--reason", "another seed")
    assert (said.status, said.err) == (0, "")
    edited = replace(draft.recipe, seed=5)
    recorded = Decision(7, "approve", "another seed", ADA, edited)
    assert waiting.archive.drafts.decision(7) == recorded
    assert "What the reviewer made of it" in cli("review", "show", waiting.folder, 7).out
    found = json.loads(cli("review", "show", waiting.folder, 7, "--json").out)
    assert '+  "seed": 5' in found["edit"]


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("true", "proposal 7: nothing was changed; use approve"),
        ('sed -i "s/0.5/x/" "$1"', "what you wrote: not valid TOML"),
        ('sed -i "s/linear/linaer/" "$1"', "proposal 7: unknown operator 'linaer'; did you mean"),
        ('sed -i "s/maths/moths/" "$1"', "what you wrote: parents: no individual begins with"),
        ('echo "more = 1" > "$1"', "what you wrote: "),
    ],
)
def test_an_edit_that_is_no_recipe_is_told_and_kept(
    waiting: Any,
    refused: Callable[..., str],
    become: Become,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    script: str,
    complaint: str,
) -> None:
    waiting.put(7, waiting.recipe())
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _editor(monkeypatch, tmp_path, script)
    line = refused("edit", waiting.folder, 7)
    assert line.startswith(complaint)
    assert "your text is kept" in line
    assert Path(line.split("--file ")[1]).read_text()


def test_an_editor_that_saves_nothing_decides_nothing(
    waiting: Any,
    refused: Callable[..., str],
    become: Become,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting.put(7, waiting.recipe())
    monkeypatch.setenv("VISUAL", "true")
    assert refused("edit", waiting.folder, 7).startswith("proposal 7: nothing was saved")


@pytest.mark.parametrize("kind", ["toml", "json"])
def test_a_recipe_may_come_from_a_file(
    waiting: Any, cli: Any, become: Become, tmp_path: Path, kind: str
) -> None:
    waiting.put(7, waiting.recipe())
    file = tmp_path / f"recipe.{kind}"
    parents = [{"id": "maths", "role": "model"}, {"id": waiting.dead[:8], "role": "model"}]
    if kind == "json":
        data = {"operator": "linear", "seed": 1, "parents": parents}
        file.write_text(json.dumps(data | {"parameters": {"weights": [0.5, 0.5]}}))
    else:
        rows = "".join(f'[[parents]]\nid = "{p["id"]}"\nrole = "model"\n' for p in parents)
        file.write_text(
            f'operator = "linear"\nseed = 1\n{rows}[parameters]\nweights = [0.5, 0.5]\n'
        )
    assert cli("review", "edit", waiting.folder, 7, "--file", file).status == 0
    decision = waiting.archive.drafts.decision(7)
    assert decision.recipe == waiting.recipe(waiting.founders[0], waiting.dead, seed=1)


def test_the_docs_name_every_command_and_no_other(cli: Any) -> None:
    docs = (Path(__file__).parents[3] / "docs" / "review.md").read_text()
    named = set(re.findall(r"^speciate review (\w+) ", docs, re.MULTILINE))
    assert named == {"list", "show", "approve", "reject", "edit", "serve"}
    for name in named:
        assert cli("review", name, "--help").status == 0


def test_a_file_that_is_not_there_is_told(
    waiting: Any, refused: Callable[..., str], become: Become, tmp_path: Path
) -> None:
    waiting.put(7, waiting.recipe())
    line = refused("edit", waiting.folder, 7, "--file", tmp_path / "x.toml")
    assert line.endswith("give a TOML or JSON file")
