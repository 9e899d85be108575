"""What leaves an archive tells where it comes from, in words, figures and files, and no more."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from speciate.archive.archive import Archive
from speciate.family import MORE, family_of
from speciate.family_svg import family_svg
from speciate.family_text import family_text
from speciate.individual_card import Subject, card
from speciate.population.weights import Checkpoint
from speciate.records import Individual, Parent, Past, Recipe, State

TAGS = {"svg", "title", "style", "rect", "path", "g", "text"}
HOSTILE = "</text><script>alert(1)</script>\x1b[31m"


def champion(folder: Path) -> str:
    report = Archive.open(folder).report
    assert report is not None
    return str(report["champion"])


def exported(cli: Any, folder: Path, name: str) -> tuple[Path, dict[str, Any], str]:
    """The new folder, its front matter, and all of its card."""
    out = folder.parent / "model"
    assert cli("export", folder, name, out).status == 0
    text = (out / "README.md").read_text()
    front: dict[str, Any] = yaml.safe_load(text.split("---")[1])
    return out, front, text


def test_a_champion_comes_with_scores_intervals_digests_and_licence(
    evolved: Path, cli: Any
) -> None:
    archive, name = Archive.open(evolved), champion(evolved)
    out, front, text = exported(cli, evolved, name)
    assert front["license"] == "apache-2.0"
    assert front["library_name"] == "transformers"
    assert Checkpoint(out).digest() in text
    one = archive.individual(name)
    assert one.evaluation is not None
    score = one.evaluation.scores["library"]
    [line, *_] = [line for line in text.splitlines() if line.startswith("| `library`")]
    mean, interval = line.split("|")[2:4]
    low, high = map(float, interval.split(" to "))
    assert float(mean) == pytest.approx(score.value, abs=1e-4)
    assert low < score.value < high
    assert "On the test split, which selection never saw:" in text
    assert "All parents have the licence apache-2.0, and so has this model." in text
    for founder in archive.index.rows("operator = 'founder'"):
        shown = f"| `{founder.name}` | apache-2.0 |  | `{founder.digest}` |" in text
        assert shown == (founder.id in {row.id for row in archive.index.ancestors(name)})


def test_the_lineage_is_enough_to_make_it_again(evolved: Path, cli: Any) -> None:
    archive, name = Archive.open(evolved), champion(evolved)
    out, _, text = exported(cli, evolved, name)
    found = json.loads((out / "lineage.json").read_text())
    recipes = [Recipe.from_json(one["recipe"]) for one in found["lineage"]]
    assert [recipe.id for recipe in recipes] == [row.id for row in archive.index.ancestors(name)]
    assert recipes[-1].id == found["individual"] == name
    assert json.loads(text.split("```json\n")[1].split("```")[0]) == recipes[-1].to_json()


def test_the_figure_is_drawn_alike_each_time_and_shows_all(evolved: Path, cli: Any) -> None:
    archive, name = Archive.open(evolved), champion(evolved)
    out, _, text = exported(cli, evolved, name)
    figure = (out / "family.svg").read_text()
    assert "](family.svg)" in text
    assert figure == family_svg(family_of(Archive.open(evolved), name))
    words = {one.text for one in ET.fromstring(figure).iter("{http://www.w3.org/2000/svg}text")}
    for row in archive.index.ancestors(name):
        assert (row.name or row.id[:10]) in words


def test_a_large_family_is_cut_to_the_nearest(evolved: Path) -> None:
    archive = Archive.open(evolved)
    rows = archive.index.rows(order="generation DESC, number DESC")
    family = family_of(archive, rows[0].id, most=2)
    kinds = [member.kind for member in family.members]
    assert kinds.count("bred") <= 2
    assert family.left_out == len(archive.index.ancestors(rows[0].id)) - kinds.count(
        "founder"
    ) - kinds.count("bred")
    assert (MORE in family.by_key) == (family.left_out > 0)
    ET.fromstring(family_svg(family))
    assert family_text(family).startswith(rows[0].id[:10])


def test_strangers_words_are_nothing_but_words(tmp_path: Path) -> None:
    past = Past(HOSTILE, HOSTILE, HOSTILE, (HOSTILE, "org/fine"))
    founder = Recipe("founder", (), {"name": HOSTILE, "digest": "0" * 64}, 0)
    child = Recipe(HOSTILE, (Parent(founder.id, HOSTILE),), {"x": "```\n# Big"}, 0)
    config = {"name": HOSTILE, "engine": {}, "founders": {"base": None}}
    with Archive.create(tmp_path / "x", config) as archive:
        born = [
            Individual(founder, "0" * 64, 0, HOSTILE, past=past),
            Individual(child, None, 0, HOSTILE, error=HOSTILE),
        ]
        archive.commit_step(State(), born)
    family = family_of(archive, child.id)
    assert [member.kind for member in family.members] == ["named", "founder", "bred"]
    figure = family_svg(family)
    assert {one.tag.rpartition("}")[2] for one in ET.fromstring(figure).iter()} == TAGS
    subject = Subject.of(archive, child.id, family)
    assert subject.bases == ["org/fine"]
    text = card(subject)
    assert "\x1b" not in figure + text
    prose = re.sub(r"(`{3,}).*?\n\1\n|`[^`]*`|\\.", "", text, flags=re.DOTALL)
    assert "script" in text
    assert "<" not in prose


def test_several_licences_and_pasts(cli: Any, bench: Any) -> None:
    fronts = {
        "english": "license: mit\nbase_model: org/english\nbase_model_relation: finetune",
        "library": "license: cc-by-nc-4.0\nbase_model: [org/x, org/y]",
    }
    for name, front in fronts.items():
        (bench.model(name, name) / "README.md").write_text(f"---\n{front}\n---\n")
    config = bench.campaign([bench.folder / name for name in fronts])
    folder = bench.folder / "out"
    assert cli("run", config, "--out", folder, "--json").status == 0
    archive = Archive.open(folder)
    name = archive.report["average"]  # type: ignore[index]
    said = cli("export", folder, name, bench.folder / "model")
    assert "parents have different ones: english (mit), library (cc-by-nc-4.0)" in " ".join(
        said.err.split()
    )
    text = (bench.folder / "model" / "README.md").read_text()
    front = yaml.safe_load(text.split("---")[1])
    assert front["base_model"] == ["org/english", "org/x", "org/y"]
    assert front["base_model_relation"] == "merge"
    assert "license" not in front
    assert "| `english` | mit | finetune of `org/english` |" in text
    assert "│  └─ finetune: org/english, only named" in text
    assert "Not settled by speciate:" in text
    founder = archive.index.rows("name = 'english'")[0].id
    cli("export", folder, founder, bench.folder / "founder")
    front = yaml.safe_load((bench.folder / "founder" / "README.md").read_text().split("---")[1])
    assert front["base_model"] == "org/english"
    assert (front["base_model_relation"], front["license"]) == ("finetune", "mit")
