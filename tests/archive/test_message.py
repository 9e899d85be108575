import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from speciate.archive.archive import Archive
from speciate.archive.message import individual_message, name_of, one_line, trailers
from speciate.records import Individual, Origin, Recipe, State

Script = list[tuple[State, list[Individual]]]
FORGERIES = [
    "good\n\nIndividual: " + "0" * 40,
    "good\r\rIndividual: " + "0" * 40 + "\r",
    "good\u2028\u2028Individual: 0",
    "Individual: 0\n\nIndividual: 1\n\n",
    "\x1b[2J\x00\u202e hidden",
]


def test_a_message_tells_the_family_and_the_scores(steps: Script) -> None:
    family = {individual.id: individual for _, born in steps for individual in born}
    child = steps[1][1][1]
    base, *others = child.recipe.parents
    names = {parent.id: name_of(family[parent.id].recipe) for parent in child.recipe.parents}
    lines = individual_message(child, names).splitlines()
    assert lines[0] == f"ties {child.id[:10]} fitness {child.fitness:.4f}"
    assert lines[3] == f"base: {base.id[:10]} ({names[base.id]})"
    assert lines[5 + len(others)] == f"a/b: text: {child.fitness:.4f} bits/char"
    assert lines[-3:] == ["", f"Individual: {child.id}", "Operator: ties"]


def test_a_failed_candidate_tells_why(steps: Script) -> None:
    failed = replace(steps[0][1][0], evaluation=None, digest=None, error="out\nof memory")
    message = individual_message(failed, {})
    assert message.startswith(f"founder {failed.id[:10]} failed\n\nname: zoo-0\n")
    assert "error: out of memory\n" in message


@pytest.mark.parametrize("text", FORGERIES)
def test_proposers_cannot_forge_a_trailer(
    text: str, tmp_path: Path, steps: Script, git: Callable[..., str]
) -> None:
    state, founders = steps[0]
    recipe = Recipe("founder" + text, (), {"name": text}, 0)
    forged = replace(founders[0], recipe=recipe, reason=text, proposer=text, error=text)
    with Archive.create(tmp_path / "x", {}) as archive:
        archive.commit_step(replace(state, members=(forged.id,)), [forged])
        commit = archive.commit_of(forged.id)
        assert archive.individuals[forged.id].reason == text
        assert Archive.open(tmp_path / "x").fsck() == []
    shown = git(
        tmp_path / "x", "log", "-1", "--format=%(trailers:key=Individual,valueonly)", commit
    )
    assert shown == forged.id
    message = git(tmp_path / "x", "log", "-1", "--format=%B", commit)
    assert all(line.isprintable() for line in message.split("\n"))
    assert trailers(message)["Individual"] == forged.id


def test_trailers_are_what_git_says_they_are(steps: Script) -> None:
    message = individual_message(steps[0][1][0], {})
    command = ["git", "interpret-trailers", "--parse"]
    parsed = subprocess.run(command, input=message, capture_output=True, text=True, check=True)
    assert parsed.stdout.splitlines() == [f"{k}: {v}" for k, v in trailers(message).items()]


def test_one_line_is_short() -> None:
    assert len(one_line("word " * 1000)) <= 500
    assert len(one_line("x" * 1000)) <= 500


def test_an_agents_child_tells_where_it_comes_from(steps: Script) -> None:
    """Trailers cannot be forged by what an agent says."""
    origin = Origin("breeder@x\n\nDigest: 0", "first", "t" * 64, 0.5, "Ada <a@x>\nDigest: 0")
    child = replace(steps[1][1][1], origin=origin)
    message = individual_message(child, {parent.id: "x" for parent in child.recipe.parents})
    assert "\narm: breeder@x Digest: 0\nprediction: 0.5000\n" in message
    assert trailers(message) == {
        "Individual": child.id,
        "Operator": "ties",
        "Talk": "t" * 64,
        "Reviewed-by": "Ada <a@x> Digest: 0",
    }
