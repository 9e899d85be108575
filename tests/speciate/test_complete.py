"""What the tab key offers: by the protocol of the shells' scripts, and in a real bash."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Tab = Callable[..., list[str]]


@pytest.fixture
def tab(cli: Any, monkeypatch: pytest.MonkeyPatch) -> Tab:
    """What is offered after some words; the last is being typed."""

    def press(*words: object) -> list[str]:
        line = ["speciate", *map(str, words)]
        monkeypatch.setenv("_SPECIATE_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "\n".join(line))
        monkeypatch.setenv("COMP_CWORD", str(len(line) - 1))
        said = cli()
        assert said.err == ""
        return list(said.out.split())

    return press


def test_commands_and_options(tab: Tab) -> None:
    assert tab("lin") == ["lineage"]
    assert {"log", "tree", "show", "review"} <= set(tab(""))
    assert set(tab("log", "x", "--born-")) == {"--born-after", "--born-before"}


@pytest.mark.parametrize("command", ["show", "lineage", "export", "verify"])
def test_individuals(tab: Tab, family: Any, command: str) -> None:
    assert tab(command, family.folder, family["tip"][:4]) == [family["tip"][:10]]
    assert tab(command, family.folder, family["tip"][:11]) == [family["tip"]]
    assert tab(command, family.folder, "al") == ["alpha"]
    living = [family[name][:10] for name in ("tip", "coded")]
    assert tab(command, family.folder, "") == ["alpha", "beta", *living]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["--operator", "t"], ["ties"]),
        (["--task", ""], ["prose", "quiz"]),
        (["--agent", "cod"], ["coder", "coder@local", "coder@local/evolved"]),
        (["--proposer", ""], ["agents"]),
        (["--columns", "id,pro"], ["id,proposer", "id,prose"]),
        (["--sort", "step,-fit"], ["step,-fitness"]),
    ],
)
def test_values_of_options(tab: Tab, family: Any, words: list[str], offered: list[str]) -> None:
    assert tab("log", family.folder, *words) == offered
    assert tab("log", family.folder, "--limit", "3", *words) == offered


def test_ids_of_options(tab: Tab, family: Any) -> None:
    for words in (("log", "--ancestor-of"), ("log", "--descendant-of"), ("tree", "--around")):
        assert tab(words[0], family.folder, words[1], family["mix"][:5]) == [family["mix"][:10]]


def test_errors_are_silent(tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").write_bytes(b"spoilt" * 1000)
    for folder in (tmp_path, tmp_path / "none", ""):
        assert tab("show", folder, "") == []
        assert tab("log", folder, "--operator", "") == []
    assert [path.name for path in tmp_path.iterdir()] == ["index.sqlite"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_in_bash(family: Any, tmp_path: Path) -> None:
    program = tmp_path / "speciate"
    code = "import sys; sys.argv[0] = 'speciate'; from speciate.cli import program; program()"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n')
    program.chmod(0o755)
    # As bash itself calls it: with the command, the word, and the word before it.
    script = f"""
        eval "$(_SPECIATE_COMPLETE=source_bash speciate)"
        function=$(complete -p speciate | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        COMP_WORDS=(speciate show {family.folder} {family["tip"][:4]}) COMP_CWORD=3
        $function speciate {family["tip"][:4]} {family.folder}
        echo "${{COMPREPLY[*]}}"
    """
    paths = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    said = subprocess.run(
        ["bash", "-c", script],
        env=os.environ | {"PATH": paths},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == [family["tip"][:10]], said.stderr
