"""Text of a stranger in an archive that was pulled: a terminal shows it, and obeys none of it."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.archive.sharing.pull import pull
from speciate.archive.sharing.push import push
from speciate.records import Evaluation, Individual, Origin, Parent, Recipe, Score, State

EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\r[red]x[/red]<script>alert(1)</script>"
COMMANDS = (
    ("status",),
    ("log",),
    ("tree",),
    ("fsck",),
    ("show", "ID"),
    ("lineage", "ID"),
    ("best",),
)


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign whose every text is hostile, through a remote."""
    folder = tmp_path_factory.mktemp("evil")
    digest = "1" * 64
    founder = Recipe("founder", (), {"name": "plain", "digest": digest}, 0)
    evaluation = Evaluation(0.5, {EVIL: Score(EVIL, (0.5,), (EVIL,))}, EVIL)
    first = Individual(founder, digest, 0, EVIL, EVIL, evaluation)
    recipe = Recipe(EVIL, (Parent(first.id, EVIL),), {EVIL: EVIL}, 1)
    origin = Origin(EVIL, EVIL, EVIL, 0.5, EVIL)
    second = Individual(recipe, "2" * 64, 0, EVIL, EVIL, evaluation, origin=origin)
    failed = Individual(Recipe(EVIL, recipe.parents, {}, 2), None, 0, EVIL, error=EVIL)
    # Of operators that there are, with parents and parameters that they do not have.
    odd = [
        Individual(Recipe(name, parents, {"weights": EVIL, "t": EVIL}, 3), "3" * 64, 0, EVIL)
        for name in ("gaussian", "succession", "slerp", "linear")
        for parents in ((), (Parent(first.id, "model"),))
    ]
    state = State(0, 3, (second.id,), memory={EVIL: EVIL})
    tasks = [{"name": EVIL, "kind": "likelihood"}]
    with Archive.create(folder / "evil", {"name": EVIL, EVIL: EVIL, "tasks": tasks}) as archive:
        archive.commit_step(state, [first, second, failed, *odd])
    subprocess.run(["git", "init", "--bare", "--quiet", folder / "remote.git"], check=True)
    push(archive, str(folder / "remote.git"))
    pull(folder / "copy", str(folder / "remote.git"))
    return folder / "copy"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_what_strangers_wrote_is_shown_and_not_obeyed(
    cli: Callable[..., Any], pulled: Path, command: tuple[str, ...], as_json: bool
) -> None:
    archive = Archive.open(pulled)
    assert archive.state
    words = [word if word != "ID" else archive.state.members[0] for word in command[1:]]
    said = cli(command[0], pulled, *words, *(["--json"] if as_json else []))
    for text in (said.out, said.err):
        assert all(sign.isprintable() or sign == "\n" for sign in text)
    assert "unexpected error" not in said.err


@pytest.mark.parametrize("command", ["show", "lineage"])
def test_recipes_that_nobody_could_carry_out_are_shown(
    cli: Callable[..., Any], pulled: Path, command: str
) -> None:
    for id_ in Archive.open(pulled).individuals:
        said = cli(command, pulled, id_)
        assert (said.status, said.err) == (0, "")
