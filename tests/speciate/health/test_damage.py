"""Every damage is made for real, named with its remedy, and repaired if it can be."""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from speciate.archive.archive import Archive
from speciate.archive.index.index import FILE as INDEX
from speciate.archive.lock import CampaignLock
from speciate.counsel.journal import Entry, Journal
from speciate.health import examine, repair
from speciate.scratch import scratch_folder

Damage = Callable[[Path], None]


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def flip(file: Path, place: int) -> None:
    file.chmod(0o644)
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)


def a_model(folder: Path) -> Path:
    return sorted((folder / "weights").iterdir())[0]


def torn_telemetry(folder: Path) -> None:
    with (folder / "telemetry.jsonl").open("a") as file:
        file.write('{"time": 17')


def garbled_telemetry(folder: Path) -> None:
    lines = (folder / "telemetry.jsonl").read_text().splitlines()
    lines[1] = "\x00\x00\x00"
    lines[2] = "[1]"
    (folder / "telemetry.jsonl").write_text("\n".join(lines) + "\n")


def changed_weights(folder: Path) -> None:
    flip(a_model(folder) / "model.safetensors", -100)


def shortened_weights(folder: Path) -> None:
    file = a_model(folder) / "model.safetensors"
    os.truncate(file, file.stat().st_size - 7)


def strange_weights(folder: Path) -> None:
    (folder / "weights" / "notes.txt").write_text("mine")


def linked_weights(folder: Path) -> None:
    shutil.move(a_model(folder), folder.parent / "elsewhere")
    (folder / "weights" / ("a" * 64)).symlink_to(folder.parent / "elsewhere")


def half_a_model(folder: Path) -> None:
    shutil.copytree(a_model(folder), folder / "weights" / ".new-0123456789abcdef")


def a_ref_lock(folder: Path) -> None:
    (folder / ".git" / "refs" / "heads" / "main.lock").touch()


def half_a_score(folder: Path) -> None:
    (folder / "evaluations" / f".{'a' * 64}.json-{'b' * 32}").write_text('{"metric"')


def verify_that_was_killed(folder: Path) -> None:
    (folder / ".scratch-verify-abc").mkdir()


def spoilt_score(folder: Path) -> None:
    sorted((folder / "evaluations").rglob("*.json"))[0].write_text('{"metric": "accuracy"}')


def empty_ref(folder: Path) -> None:
    (folder / ".git" / "refs" / "reviews").mkdir(parents=True)
    (folder / ".git" / "refs" / "reviews" / "000001").touch()


def lost_git_head(folder: Path) -> None:
    (folder / ".git" / "HEAD").unlink()


def garbled_index(folder: Path) -> None:
    Archive.open(folder).index.close()
    (folder / INDEX).write_bytes(b"no database" * 100)


def forged_index(folder: Path) -> None:
    Archive.open(folder).index.close()
    with sqlite3.connect(folder / INDEX) as index:
        index.execute("UPDATE individuals SET fitness = 1 WHERE number = 3")


def foreign_index(folder: Path) -> None:
    Archive.open(folder).index.close()
    with sqlite3.connect(folder / INDEX) as index:
        index.execute("UPDATE facts SET value = ?", ["1" * 40])


def index_without_tables(folder: Path) -> None:
    Archive.open(folder).index.close()
    with sqlite3.connect(folder / INDEX) as index:
        index.execute("DROP TABLE living")


def garbled_local(folder: Path) -> None:
    (folder / "local.json").write_text('{"founders": 3')


REPAIRED = {
    torn_telemetry: "telemetry.jsonl has a torn last line; --repair moves such lines to damaged/",
    garbled_telemetry: "telemetry.jsonl cannot be read in line 2, 3; --repair moves such lines",
    changed_weights: "changed: weights/",
    shortened_weights: "cannot be read: ",
    strange_weights: "weights/notes.txt is no model of the store; --repair moves it",
    linked_weights: f"weights/{'a' * 64} is no model of the store; --repair moves it",
    half_a_model: "weights/.new-0123456789abcdef is a leftover of a killed process; --repair del",
    a_ref_lock: ".git/refs/heads/main.lock is a leftover of a killed process; --repair deletes it",
    half_a_score: "is a leftover of a killed process; --repair deletes it",
    verify_that_was_killed: ".scratch-verify-abc is a leftover of a killed process; --repair",
    spoilt_score: "is no score; --repair deletes it, it is measured again when needed",
    empty_ref: "refs/reviews/000001 names nothing; --repair puts it aside; then decide again",
    lost_git_head: ".git/HEAD does not name the campaign; --repair writes it",
    garbled_index: "the index cannot be read (file is not a database); --repair makes it anew",
    forged_index: "the index differs from the history in individuals; --repair makes it anew",
    foreign_index: "the index is of another history; --repair makes it anew",
    index_without_tables: "the index cannot be read (no such table: living); --repair makes",
}


@pytest.mark.parametrize("damage", REPAIRED, ids=lambda damage: damage.__name__)
def test_what_can_be_repaired(damage: Damage, evolved: Path) -> None:
    head = Archive.open(evolved).head
    damage(evolved)
    copy = shutil.copytree(evolved, evolved.parent / "copy", symlinks=True)
    [found] = examine(evolved)
    assert REPAIRED[damage] in found.line
    done, left = repair(copy)
    assert (len(done), left) == (1, [])
    assert examine(copy) == []
    assert Archive.open(copy).head == head


def test_what_was_cut_is_kept(evolved: Path) -> None:
    before = (evolved / "telemetry.jsonl").read_bytes()
    torn_telemetry(evolved)
    repair(evolved)
    assert (evolved / "telemetry.jsonl").read_bytes() == before
    assert (evolved / "damaged" / "telemetry.jsonl").read_text() == '{"time": 17\n'


def test_local_facts_are_put_aside_and_told_again(evolved: Path, cli: Any) -> None:
    garbled_local(evolved)
    said = cli("fsck", evolved, "--repair", "--json")
    assert said.status == 1
    found = json.loads(said.out)
    [line] = found["repaired"]
    assert line.startswith("local.json lies in damaged/local.json; `speciate import ")
    assert len(found["problems"]) == 4  # founders are not known on this machine
    assert (evolved / "damaged" / "local.json").read_text() == '{"founders": 3'


def lost_main(folder: Path) -> None:
    Archive.open(folder).index.close()
    git(folder, "update-ref", "-d", "refs/heads/main")


def main_that_names_nothing(folder: Path) -> None:
    Archive.open(folder).index.close()
    git(folder, "update-ref", "-d", "refs/heads/main")
    (folder / ".git" / "refs" / "heads" / "main").write_text("1" * 40 + "\n")


def loose(folder: Path, name: str) -> Path:
    """The file of an object, after all were taken out of their packs."""
    packs = folder / ".git" / "objects" / "pack"
    aside = packs.rename(folder / "packs")
    for pack in sorted(aside.glob("*.pack")):
        with pack.open("rb") as data:
            command = ["git", "-C", str(folder), "unpack-objects", "-q"]
            subprocess.run(command, stdin=data, check=True)
    shutil.rmtree(aside)
    oid = git(folder, "rev-parse", name)
    return folder / ".git" / "objects" / oid[:2] / oid[2:]


def missing_object(folder: Path) -> None:
    loose(folder, "main~1:state.json").unlink()


def spoilt_object(folder: Path) -> None:
    flip(loose(folder, "main~2:state.json"), -3)


def spoilt_pack(folder: Path) -> None:
    flip(sorted((folder / ".git" / "objects" / "pack").glob("*.pack"))[0], 300)


def lost_pack(folder: Path) -> None:
    sorted((folder / ".git" / "objects" / "pack").glob("*.pack"))[0].unlink()


def strange_ref(folder: Path) -> None:
    git(folder, "update-ref", "refs/evil/x", "main")


def tag_of_nothing(folder: Path) -> None:
    (folder / ".git" / "refs" / "tags").mkdir(parents=True, exist_ok=True)
    (folder / ".git" / "refs" / "tags" / "best").write_text("1" * 40 + "\n")


def a_review_of_nothing(folder: Path) -> None:
    git(folder, "update-ref", "refs/reviews/000007", "main")


def changed_founder(folder: Path) -> None:
    archive = Archive.open(folder)
    model = folder.parent / "english"
    shutil.copytree(archive.founder_paths["english"], model)
    tensors = load_file(model / "model.safetensors")
    name = sorted(tensors)[0]
    tensors[name] = tensors[name] + 1
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    archive.set_founder_paths({**archive.founder_paths, "english": model})


def lost_founder(folder: Path) -> None:
    archive = Archive.open(folder)
    archive.set_founder_paths({**archive.founder_paths, "english": folder / "gone"})


def lock_that_is_a_folder(folder: Path) -> None:
    (folder / "lock").unlink()
    (folder / "lock").mkdir()


def spoilt_journal(folder: Path) -> None:
    Journal.of(folder).put(3, Entry())
    (folder / "agents" / "journal" / "000003.json").write_text('{"decisions": []')


def forged_talk(folder: Path) -> None:
    digest = Journal.of(folder).keep({"messages": ["yes"]})
    file = folder / "agents" / "journal" / "talks" / digest[:2] / f"{digest}.json"
    file.write_text('{"messages":["no"]}')


def spoilt_migration(folder: Path) -> None:
    (folder / "islands").mkdir()
    (folder / "islands" / "000002.json").write_text('[{"island": "b"}]')


def misnamed_score(folder: Path) -> None:
    (folder / "evaluations" / "notes.json").write_text("{}")


LEFT_TO_PEOPLE = {
    lost_main: "refs/heads/main is lost; `git -C DIR update-ref refs/heads/main HEAD` puts the",
    main_that_names_nothing: "names no commit; `git -C DIR update-ref refs/heads/main HEAD` puts",
    missing_object: "fetch the archive again from a copy you trust",
    spoilt_object: "fetch the archive again from a copy you trust",
    spoilt_pack: "restore it from a copy",
    lost_pack: "fetch the archive again from a copy you trust",
    strange_ref: "refs/evil/x is no ref of speciate; `git -C DIR update-ref -d refs/evil/x` rem",
    tag_of_nothing: "git fsck: error: refs/tags/best: invalid sha1 pointer ",
    a_review_of_nothing: "refs/reviews/000007 decides of a proposal that is not there; fetch",
    changed_founder: "founder 'english' changed: ",
    lost_founder: "founder 'english': ",
    spoilt_journal: "000003.json is damaged (",
    forged_talk: "is not the conversation of its name; restore it from a copy",
    spoilt_migration: "000002.json is damaged ('line'); restore it from a copy",
    misnamed_score: "evaluations/notes.json is not named like a score; move it elsewhere",
}


@pytest.mark.parametrize("damage", LEFT_TO_PEOPLE, ids=lambda damage: damage.__name__)
def test_what_is_left_to_people(damage: Damage, evolved: Path) -> None:
    head = Archive.open(evolved).head
    damage(evolved)
    lines = [found.line for found in examine(evolved)]
    expected = LEFT_TO_PEOPLE[damage].replace("DIR", str(evolved)).replace("HEAD", head)
    assert [line for line in lines if expected in line], lines
    done, left = repair(evolved)
    assert done == []
    assert [found for found in left if expected in found.line]  # git words some errors by chance


def test_a_lock_that_is_a_folder(evolved: Path, cli: Any) -> None:
    lock_that_is_a_folder(evolved)
    [found] = examine(evolved)
    assert found.line.endswith("/lock is no plain file, so no campaign can hold it; remove it")
    assert cli("fsck", evolved, "--repair").status == 2


def test_the_remedy_for_a_lost_main_works(evolved: Path) -> None:
    head = Archive.open(evolved).head
    lost_main(evolved)
    [found] = examine(evolved)
    command = found.remedy.split("`")[1].split()
    subprocess.run(command, check=True)
    assert Archive.open(evolved).head == head
    assert examine(evolved) == []


def test_several_at_once(evolved: Path, cli: Any) -> None:
    for damage in (torn_telemetry, changed_weights, spoilt_score, forged_index, lost_git_head):
        damage(evolved)
    (evolved / "evaluations" / "notes.json").write_text("{}")
    found = json.loads(cli("fsck", evolved, "--repair", "--json").out)
    assert (len(found["repaired"]), len(found["problems"])) == (5, 1)
    said = cli("fsck", evolved)
    assert said.status == 1
    assert "is not named like a score" in said.out


def test_a_running_campaign_is_looked_at_and_left_alone(evolved: Path, cli: Any) -> None:
    half_a_model(evolved)
    lock = CampaignLock.take(evolved)
    try:
        assert examine(evolved) == []  # A worker may be writing it.
        said = cli("fsck", evolved, "--repair")
    finally:
        lock.release()
    assert said.status == 2
    assert "is run by process" in said.err
    assert (evolved / "weights" / ".new-0123456789abcdef").exists()


def test_scratch_in_use_is_no_leftover(evolved: Path) -> None:
    with scratch_folder(evolved, "verify"):
        assert examine(evolved) == []
