"""Folders that are no archive, in use, or begun otherwise; merges that cannot be carried out."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any, NoReturn

import pytest

from speciate.archive.archive import Archive
from speciate.archive.lock import CampaignLock
from speciate.errors import ClusterError
from speciate.population.safetensors_writer import Writer
from speciate.session import run


@pytest.fixture
def begun(bench: Any, cli: Any) -> Path:
    """The folder of a small campaign that was run to its end by the command line."""
    folder: Path = bench.folder / "begun"
    assert cli("run", bench.campaign(), "--out", folder, "--json").status == 0
    return folder


@pytest.mark.parametrize("name", ["note.txt", ".git/HEAD"])
def test_an_output_folder_that_holds_something(bench: Any, name: str) -> None:
    folder = bench.folder / "mine"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("do not lose me")
    line = bench.refused("run", bench.campaign(), "--out", folder)
    assert line == f"{folder} is not empty and not an archive; choose an empty folder"


def test_an_output_folder_that_is_empty_stays(bench: Any) -> None:
    folder = bench.folder / "empty"
    folder.mkdir()
    config = bench.campaign(task=bench.task({"text": "a" * 600}))
    assert "needs 601 tokens" in bench.refused("run", config, "--out", folder)


def test_a_campaign_that_cannot_start_leaves_nothing(bench: Any) -> None:
    def start(*_: object) -> NoReturn:
        Archive.open(out).index.count()  # somebody looks at it meanwhile
        raise ClusterError("there is no engine")

    out = bench.folder / "runs" / "out"
    with pytest.raises(ClusterError, match="there is no engine"):
        run(bench.campaign(), out, start=start)
    assert not out.parent.exists()


def test_an_output_folder_that_is_a_file(bench: Any) -> None:
    file = bench.folder / "file"
    file.write_text("do not lose me")
    line = bench.refused("run", bench.campaign(), "--out", file)
    assert line == f"cannot use {file}: File exists; choose another"
    line = bench.refused("run", bench.campaign(), "--out", file / "below")
    assert line == f"cannot use {file / 'below'}: Not a directory; choose another"


@pytest.mark.parametrize(
    "command",
    ["status", "log", "tree", "best", "verify", "fsck", "show ID", "lineage ID", "export ID OUT"],
)
@pytest.mark.parametrize("there", [True, False])
def test_reading_a_folder_that_is_no_archive(bench: Any, command: str, there: bool) -> None:
    folder = bench.folder / "mine"
    if there:
        folder.mkdir()
        (folder / "note.txt").write_text("do not lose me")
    name, *rest = command.split()
    line = bench.refused(
        name, folder, *[bench.folder / "out" if r == "OUT" else "ab" for r in rest]
    )
    start = f"start a campaign with `speciate run CONFIG --out {folder}`"
    assert line == f"{folder} is not an archive; {start}"


def test_resuming_with_another_campaign(bench: Any, begun: Path) -> None:
    head = Archive.open(begun).head
    line = bench.refused("run", bench.campaign(), "--out", begun, "--set", "strategy.sigma=0.5")
    assert line == (
        f"{begun} was begun with strategy.sigma = 0.01, now it is 0.5; "
        "give the same campaign to go on, or another --out to begin a new one"
    )
    config = bench.campaign(task=bench.task({"text": "other"}))
    assert "was begun with digests.search.t = " in bench.refused("run", config, "--out", begun)
    assert Archive.open(begun).head == head


def test_two_campaigns_in_one_folder(bench: Any, begun: Path) -> None:
    lock = CampaignLock.take(begun)
    try:
        line = bench.refused("run", bench.campaign(), "--out", begun)
    finally:
        lock.release()
    assert line.startswith(f"campaign in {begun} is run by process {os.getpid()} on ")
    assert line.endswith("; wait for it or stop it")


def test_individuals_that_are_not_there(bench: Any, begun: Path) -> None:
    for command in (["show"], ["lineage"], ["verify"], ["export", bench.folder / "out"]):
        name, *rest = command
        line = bench.refused(name, begun, "xyz", *rest)
        assert line == "no individual begins with 'xyz'; `speciate log` lists them"


def recipe(bench: Any, text: str) -> Path:
    models = bench.zoo / "models"
    path: Path = bench.folder / "recipe.toml"
    path.write_text(
        f'{text}\n[[parents]]\npath = "{models}/english"\n[[parents]]\npath = "{models}/library"\n'
        f'[[parents]]\npath = "{models}/base"\nrole = "base"\n'
    )
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('operator = "ties"\nparameters = {density = -1}', "ties: density: input should be gre"),
        ('operator = "ties"\nparameters = {densty = 1}', "ties: unknown parameter 'densty'; did"),
        ('operator = "tise"', "unknown operator 'tise'; did you mean 'ties'?"),
        ('operator = "linear"', "linear: no parent may be 'base'; known: model"),
        ('operater = "ties"', "unknown key 'operater'; did you mean 'operator'?"),
    ],
)
def test_recipes_that_cannot_be_carried_out(bench: Any, text: str, said: str) -> None:
    path = recipe(bench, text)
    line = bench.refused("merge", path, bench.folder / "deep" / "out")
    assert line.startswith(f"{path}: {said}")


def test_a_merge_into_a_folder_that_exists(bench: Any) -> None:
    (bench.folder / "out").mkdir()
    line = bench.refused("merge", recipe(bench, 'operator = "ties"'), bench.folder / "out")
    assert line.endswith("/out: exists already; choose another folder or remove it")


def test_a_disk_without_room(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = recipe(bench, 'operator = "ties"')
    usage = shutil.disk_usage(bench.folder)._replace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    line = bench.refused("merge", path, bench.folder / "out")
    assert line.startswith(f"{bench.folder}/out: needs 17.6 MiB on disk but 1.0 MiB ")
    assert line.endswith("; make room or choose another folder")


def test_a_disk_that_fills_up(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = recipe(bench, 'operator = "ties"')
    put = Writer.put
    written: list[str] = []

    def full(writer: Writer, name: str, start: int, values: Any) -> memoryview:
        if len(written) >= 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(name)
        return put(writer, name, start, values)

    monkeypatch.setattr(Writer, "put", full)
    line = bench.refused("merge", path, bench.folder / "out")
    said = "the disk became full while writing; make 17.6 MiB free"
    assert line == f"{bench.folder}/out: {said}"
    assert len(written) >= 3
