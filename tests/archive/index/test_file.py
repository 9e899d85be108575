"""An index whose file is spoilt late, cannot be written, or fills its disk stops nobody."""

import multiprocessing
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.archive.index.index import FILE
from speciate.records import Individual, State

Script = list[tuple[State, list[Individual]]]


def test_a_page_found_spoilt_late_is_mended(campaign: Path) -> None:
    archive = Archive.open(campaign)
    before = archive.index.rows()
    archive.index.close()
    file = campaign / FILE
    data = file.read_bytes()
    file.write_bytes(data[:4096] + b"?" * (len(data) - 4096))
    archive = Archive.open(campaign)
    assert archive.index.rows() == before
    assert Archive.open(campaign).index.rows() == before
    assert archive.index.steps() == Archive.open(campaign).steps()


def test_what_is_asked_wrongly_mends_nothing(campaign: Path) -> None:
    index = Archive.open(campaign).index
    before = (campaign / FILE).stat().st_ino
    with pytest.raises(Exception, match="no such column: nonsense"):
        index.rows("nonsense = 1")
    assert (campaign / FILE).stat().st_ino == before


def test_where_no_file_can_be_it_is_in_memory(campaign: Path) -> None:
    (campaign / FILE).unlink(missing_ok=True)
    (campaign / FILE).mkdir()
    archive = Archive.open(campaign)
    assert archive.index.count() == 24
    assert next(iter(archive.individuals.values())).recipe.operator == "founder"


def test_a_file_that_cannot_be_written_is_read_as_it_lies(campaign: Path) -> None:
    before = Archive.open(campaign)
    rows = before.index.rows()
    before.index.close()
    file = campaign / FILE
    stored = file.read_bytes()
    # A folder in the place of its log keeps SQLite from writing, even for root.
    log = file.with_name(f"{FILE}-wal")
    log.mkdir()
    index = Archive.open(campaign).index
    assert index.rows() == rows
    assert file.read_bytes() == stored
    [(_, _, where)] = index._connection.execute("PRAGMA database_list").fetchall()
    assert where == str(file), "it was not made anew in memory"


def test_a_full_disk_stops_no_campaign(
    tmp_path: Path, config: dict[str, Any], make_script: Callable[[int], Script]
) -> None:
    steps, folder = make_script(40), tmp_path / "x"

    def run() -> None:
        limit = 100_000  # bytes a file: packs are smaller, the index would be larger
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with Archive.create(folder, config) as archive:
            for state, born in steps:
                archive.commit_step(state, born)
            assert archive.index.count() == len(archive.individuals) == 160

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    assert process.exitcode == 0
    assert (folder / FILE).stat().st_size <= 100_000
    archive = Archive.open(folder)
    assert archive.index.count() == 160
    assert archive.fsck() == []
