"""The family on a terminal: who is drawn, what is folded, and how strangers' text looks."""

import io
import json
import re
from typing import Any

import pytest
from rich.console import Console

from speciate.archive.archive import Archive
from speciate.archive.index import descent
from speciate.champion import leader
from speciate.display.lineage import Lineage
from speciate.display.tree import FamilyTree
from speciate.pedigree import pedigree


def _drawn(renderable: Any, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding=encoding), width=100)
    console.print(renderable)
    console.file.flush()
    return raw.getvalue().decode(encoding)


def _ids(text: str) -> list[str]:
    """First of each line, in order; founders by name."""
    return re.findall(r"^[^\w\\<]*([0-9a-f]{10}|alpha|beta|<)", text, re.MULTILINE)


def test_who_led_to_the_living(cli: Any, family: Any) -> None:
    said = cli("tree", family.folder).out
    shown = [family[name][:10] for name in ("chain 6", "mix", "tip", "coded")]
    assert _ids(said) == ["alpha", shown[0], *shown[1:], "beta", "<"]
    assert "⋮ 5 generations" in said
    assert "◆ alpha" in said
    assert f"★ {family['tip'][:10]}" in said
    assert f"● {family['coded'][:10]}" in said
    assert re.search(rf"{family['mix'][:10]}.* ties  with <.* beta", said)
    assert family["lost"][:10] not in said
    assert "1 others are not drawn" in said


def test_all(cli: Any, family: Any) -> None:
    said = cli("tree", family.folder, "--all").out
    assert f"✗ {family['lost'][:10]}" in said
    assert "others" not in said
    assert len(_ids(said)) + 5 == len(family.ids)


def test_around_one(cli: Any, family: Any) -> None:
    said = cli("tree", family.folder, "--around", family["mix"]).out
    assert _ids(said) == ["alpha", *(family[name][:10] for name in ("mix", "tip"))]
    assert "⋮ 6 generations" in said
    early = cli("tree", family.folder, "--around", family["chain 1"], "--depth", 2).out
    assert _ids(early) == ["alpha", *(family[f"chain {n}"][:10] for n in (1, 2, 3))]


def test_depth(cli: Any, family: Any) -> None:
    said = cli("tree", family.folder, "--depth", 2).out
    assert "⋮ 2 more below" in said
    assert family["tip"][:10] not in said


def test_json_is_the_whole_graph(cli: Any, family: Any) -> None:
    found = json.loads(cli("tree", family.folder, "--json").out)
    known = Archive.open(family.folder).individuals
    assert found == {id_: [p.id for p in one.recipe.parents] for id_, one in known.items()}


def test_lineage_leads_to_the_founders(cli: Any, family: Any) -> None:
    said = cli("lineage", family.folder, family["tip"][:12], "--depth", 0).out
    first = [family["tip"][:10], family["mix"][:10], "beta"]
    assert _ids(said) == [*first, "alpha", "<", "beta"]
    assert re.search(r"◆ beta .* base$", said, re.MULTILINE)
    assert "⋮ 6 generations" in said
    found = json.loads(cli("lineage", family.folder, family["tip"], "--json").out)
    assert [one["id"] for one in found[:3]] == [family[name] for name in ("tip", "mix", "beta")]
    expected = set(family.ids.values()) - {family["lost"], family["coded"]}
    assert {one["id"] for one in found} == expected
    assert len(found) == len(expected)


def test_a_short_lineage_says_what_is_left_out(cli: Any, family: Any) -> None:
    said = cli("lineage", family.folder, family["tip"], "--depth", 2).out
    assert "(1 more parent)" in said
    assert "4 of 10 ancestors; --depth 0 draws all" in said


def test_who_is_met_again_is_referred_to(family: Any) -> None:
    index = Archive.open(family.folder).index
    found = pedigree(index, family["tip"], None)
    told = list(found.children)
    assert len({found.mentions[place].row.id for place in told}) == len(told)
    assert all(found.mentions[place].row.parents for place in told)
    again = [one for one in found.mentions if one.again]
    assert not again, "founders have nothing that would be told twice"


@pytest.mark.parametrize("command", [["tree", "--all"], ["lineage"], ["status"], ["show"]])
def test_text_of_strangers_is_not_obeyed(cli: Any, family: Any, command: list[str]) -> None:
    who = {"lineage": [family["tip"]], "show": [family["lost"]]}.get(command[0], [])
    said = cli(command[0], family.folder, *who, *command[1:])
    assert (said.status, said.err) == (0, "")
    assert not {"\x1b", "\u202e"} & set(said.out)
    assert "</b>[red]\\x1b[31m" in said.out or command == ["status"]


def test_old_terminals_are_drawn_on_too(family: Any) -> None:
    archive = Archive.open(family.folder)
    index, best = archive.index, leader(archive)
    assert best is not None
    said = _drawn(FamilyTree(index, descent.everybody(index), best), "ascii")
    assert f"* {family['tip'][:10]}  0.8125" in said
    assert "`- " in said
    found = pedigree(index, family["tip"], None)
    assert ": 6 generations" in _drawn(Lineage(index, found, best.id, 10), "ascii")


def test_wrong_usage_is_told(cli: Any, family: Any) -> None:
    said = cli("tree", family.folder, "--all", "--around", "alpha")
    assert said.status == 2
    assert said.err.startswith("speciate: --all and --around exclude each other")
