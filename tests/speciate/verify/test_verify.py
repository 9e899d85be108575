"""Everybody is rebuilt, once, in little room; what is wrong is named, by however many jobs."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from speciate.archive.archive import Archive
from speciate.verify import hands, verify


def told_of(archive: Archive, jobs: int) -> tuple[list[str], list[str]]:
    told: list[str] = []
    names = [row.id for row in archive.index.rows()]
    return told, verify(archive, names, told.append, jobs)


def test_all_are_rebuilt_in_the_same_order_by_any_jobs(
    evolved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive.open(evolved)
    told, problems = told_of(archive, 1)
    assert problems == []
    assert [line[:10] for line in told] == [row.id[:10] for row in archive.index.rows()]
    monkeypatch.setattr(hands, "WORTH", 2)  # A few are worth several processes.
    assert told_of(archive, 2) == (told, problems)
    assert not [path for path in evolved.iterdir() if path.name.startswith(".scratch")]


def test_stored_weights_that_changed_are_named_by_tensor(evolved: Path, cli: Any) -> None:
    archive = Archive.open(evolved)
    file = sorted(archive.weights.folder.glob("*/model.safetensors"))[0]
    tensors = load_file(file)
    name = sorted(tensors)[3]
    tensors[name] = tensors[name] + 1
    save_file(tensors, file, metadata={"format": "pt"})
    said = cli("verify", evolved, "--all", "--json")
    assert said.status == 1
    [line] = json.loads(said.out)["problems"]
    assert f"weights/{file.parent.name[:12]} changed in {name}; delete that folder" in line


def test_scratch_may_lie_elsewhere(evolved: Path, tmp_path: Path, cli: Any) -> None:
    (tmp_path / "scratch").mkdir()
    evolved.chmod(0o555)
    assert cli("verify", evolved, "--all", "--scratch", tmp_path / "scratch").status == 0
    assert not list((tmp_path / "scratch").iterdir())


def test_a_lost_founder_is_named_and_how_to_tell_where_it_is(evolved: Path, cli: Any) -> None:
    (evolved / "local.json").unlink()
    said = cli("verify", evolved, "--all")
    assert said.status == 1
    whole = "".join(said.out.split())  # Lines are broken wherever the path is long.
    assert f"`speciateimport{evolved}library=FOLDER`tellswhereitis" in whole


def test_all_and_ids_do_not_go_together(evolved: Path, cli: Any) -> None:
    said = cli("verify", evolved, "ab", "--all")
    assert said.status == 2
    assert "--all and ids do not go together" in said.err


SLOWLY = """
import time
from speciate.verify.rebuild import rebuild as at_once

def rebuild(work):
    found = at_once(work)
    time.sleep(2)
    return found
"""


def test_ctrl_c_leaves_nothing(evolved: Path) -> None:
    # So that not all is done by the time that this process has seen the first.
    (evolved.parent / "slowly.py").write_text(SLOWLY)
    code = (
        "import slowly; from speciate.verify import hands; hands.WORTH = 2; "
        "hands.rebuild = slowly.rebuild; from speciate.cli import program; program()"
    )
    command = [sys.executable, "-c", code, "verify", str(evolved), "--all", "--jobs", "2"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        cwd=evolved.parent,
        start_new_session=True,
    )
    while not list(evolved.glob(".scratch-*/*")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.communicate()[1].splitlines()[-1] == "speciate: stopped"
    assert process.returncode == 130
    assert not list(evolved.glob(".scratch-*"))
    shutil.rmtree(evolved)
