"""Founders are found again by what they are, and their cards are read with suspicion."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.evaluator import Engine
from speciate.past import pasts_of, stated_past
from speciate.records import Past
from speciate.session import run
from speciate.verify import verify
from speciate.whereabouts import founders_of

Read = Callable[..., Any]


@pytest.fixture
def read(cli: Any) -> Read:
    def call(*words: object) -> Any:
        said = cli("import", *words, "--json")
        assert (said.status, said.err) == (0, "")
        return json.loads(said.out)

    return call


def card(folder: Path, front: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "README.md").write_text(f"---\n{front}\n---\n# Model\n")
    return folder


class TestCards:
    def test_licence_relation_and_models(self, tmp_path: Path) -> None:
        front = "license: MIT\nbase_model: [org/a, org/b]\nbase_model_relation: merge"
        found = stated_past(card(tmp_path, front))
        assert found == Past("mit", None, "merge", ("org/a", "org/b"))
        assert found.to_json() == {
            "licence": "mit",
            "relation": "merge",
            "models": ["org/a", "org/b"],
        }

    def test_an_adapter_names_its_base_in_its_config(self, tmp_path: Path) -> None:
        (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "org/base"}')
        assert stated_past(tmp_path) == Past(None, None, "adapter", ("org/base",))

    def test_nothing_said_is_nothing_recorded(self, tmp_path: Path) -> None:
        assert stated_past(card(tmp_path, "tags: [x]")) is None

    @pytest.mark.parametrize(
        "front",
        [
            'base_model: "../../etc/passwd"',
            'base_model: "org/<script>alert(1)</script>"',
            'base_model: "org/\\e[31mred"',
            "base_model: {org/a: 1}",
            "base_model: &a [*a]",
            f"base_model: {'x' * 200}/y",
            "base_model_relation: merge",
            "license: [[[[]]]]\nbase_model: 3",
            "base_model: !!python/object/apply:os.system [ls]",
        ],
    )
    def test_hostile_cards_say_nothing_of_models(self, front: str, tmp_path: Path) -> None:
        found = stated_past(card(tmp_path, front)) or Past()
        assert (found.models, found.relation) == ((), None)

    def test_a_very_long_list_is_cut(self, tmp_path: Path) -> None:
        names = ", ".join(f"org/m{number}" for number in range(500))
        found = stated_past(card(tmp_path, f"base_model: [{names}]"))
        assert found is not None
        assert len(found.models) == 20


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, zoo: Path, transformers: Engine) -> Path:
    """A campaign whose founders tell where they come from."""
    folder = tmp_path_factory.mktemp("past")
    for name in ("library", "english"):
        shutil.copytree(zoo / "models" / name, folder / "models" / name)
    card(folder / "models" / "library", "license: mit\nbase_model: org/base")
    card(folder / "models" / "english", "base_model: [org/base, org/text]")
    (folder / "t.jsonl").write_text('{"text": "one"}\n{"text": "two"}')
    (folder / "u.jsonl").write_text('{"text": "held out"}')
    (folder / "c.toml").write_text("""
name = "past"
engine = { type = "transformers" }
founders = { models = ["models/library", "models/english"] }
[strategy]
type = "genome"
generations = 1
population = 2
[[tasks]]
name = "t"
kind = "likelihood"
search = "t.jsonl"
test = "u.jsonl"
""")
    run(folder / "c.toml", folder / "out", start=lambda *_: transformers)
    return folder / "out"


@pytest.fixture
def archive(begun: Path, tmp_path: Path) -> Archive:
    return Archive.open(shutil.copytree(begun, tmp_path / "out"))


def past(archive: Archive) -> dict[str, Any]:
    found = pasts_of(archive, founders_of(archive))
    return {one.name: (str(one.licence), [p.name for p in one.parents]) for one in found}


def test_a_campaign_records_what_its_founders_say(archive: Archive) -> None:
    assert archive.fsck() == []
    assert past(archive) == {
        "library": ("mit", ["org/base"]),
        "english": ("none stated", ["org/base", "org/text"]),
    }
    log = ["git", "-C", str(archive.folder), "log", "--format=%B", "main"]
    said = subprocess.run(log, capture_output=True, text=True, check=True).stdout
    assert "name: library\nlicence: mit\nmade of: org/base\n" in said


def test_what_is_recorded_does_not_change_with_the_folders(archive: Archive) -> None:
    (archive.folder / "local.json").unlink()
    assert past(archive)["library"] == ("mit", ["org/base"])


def test_a_copy_elsewhere_is_told_where_founders_lie(
    archive: Archive, begun: Path, read: Read
) -> None:
    models = begun.parent / "models"
    (archive.folder / "local.json").unlink()
    champion = archive.report["champion"]  # type: ignore[index]
    assert len(verify(archive, [champion], lambda _: None)) == 2
    found = read(archive.folder, models)
    assert {row["name"]: row["folder"] for row in found["founders"]} == {
        "library": str(models / "library"),
        "english": str(models / "english"),
    }
    assert verify(archive, [champion], lambda _: None) == []


def test_one_founder_by_name(archive: Archive, begun: Path, read: Read) -> None:
    (archive.folder / "local.json").unlink()
    place = begun.parent / "models" / "english"
    assert read(archive.folder, f"english={place}")["news"] == [f"founder 'english' is {place}"]
    assert archive.founder_paths == {"english": place}


def test_what_a_founder_was_made_from_may_be_told_later(
    archive: Archive, read: Read, tmp_path: Path
) -> None:
    told = card(tmp_path / "base", "license: gemma\nbase_model: org/older")
    hub = tmp_path / "hub" / "models--org--older" / "snapshots" / "ab"
    hub.mkdir(parents=True)
    card(hub, "license: apache-2.0\nbase_model: org/base")  # in a circle
    read(archive.folder, f"org/base={told}")
    found = read(archive.folder, f"org/older={hub}")
    [base] = found["founders"][0]["made_of"]
    assert (base["name"], base["licence"]) == ("org/base", "gemma")
    [older] = base["made_of"]
    assert (older["name"], older["licence"], older["made_of"]) == ("org/older", "apache-2.0", [])


def test_people_see_a_tree(archive: Archive, cli: Any) -> None:
    said = cli("import", archive.folder).out
    assert "library  mit" in said
    assert "made of org/base" in said


def test_what_means_nothing_is_refused(
    archive: Archive, begun: Path, cli: Any, tmp_path: Path
) -> None:
    models = begun.parent / "models"
    for place, line in {
        f"englsh={models}": "englsh: no founder, and no card names it; did you mean 'english'?",
        f"english={tmp_path / 'x'}": "no such folder; give the folder of a model",
        f"english={models / 'library'}": "give the folder that the campaign began with",
        str(tmp_path / "y"): "no such folder; give NAME=FOLDER or a folder of models",
    }.items():
        said = cli("import", archive.folder, place)
        assert said.status == 2
        assert line in said.err
    assert archive.founder_paths == Archive.open(begun).founder_paths


def test_a_folder_without_founders_is_told(archive: Archive, read: Read, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    line = f"{tmp_path / 'empty'}: no founder, and no model that a founder was made from"
    assert read(archive.folder, tmp_path / "empty")["news"] == [line]


def test_show_and_lineage_tell_licences_and_pasts(archive: Archive, cli: Any) -> None:
    name = archive.report["average"]  # type: ignore[index]
    shown = json.loads(cli("show", archive.folder, name, "--json").out)
    assert shown["licences"] == {"library": "mit", "english": None}
    assert "mit (library); none stated (english)" in cli("show", archive.folder, name).out
    assert "made of  org/base, org/text" in " ".join(
        cli("show", archive.folder, "english").out.split(" ")
    )
    said = cli("lineage", archive.folder, name).out
    assert said.index("what founders were made from") < said.index("made of org/text")
    found = json.loads(cli("lineage", archive.folder, name, "--json").out)
    made = {one["name"]: [m["name"] for m in one["made_of"]] for one in found if one.get("made_of")}
    assert made == {"library": ["org/base"], "english": ["org/base", "org/text"]}
