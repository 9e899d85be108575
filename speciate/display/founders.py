"""Founders and their own past, as a tree for people or as JSON values."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from speciate.past import Forebear
from speciate.review.visible import visible

if TYPE_CHECKING:
    from speciate.importing import Imported


def founders(found: "Imported") -> Tree:
    """Each founder with its licence, where it lies, and what it was made from."""
    tree = Tree("founders")
    for one in found.founders:
        place = found.places.get(one.name)
        where = str(place) if place and place.is_dir() else "not on this machine"
        add_past(tree, one, f"  {where}")
    return tree


def own_pasts(pasts: Sequence[Forebear]) -> list[RenderableType]:
    """What founders were made from, below those of whom that is known; nothing if of none."""
    tree = Tree("what founders were made from")
    for one in pasts:
        if one.parents:
            add_past(tree, one)
    return ["", tree] if tree.children else []


def add_past(tree: Tree, one: Forebear, more: str = "") -> None:
    """A branch for a founder or a model that is only named, and what it was made from below."""
    branch = tree.add(Text(visible(f"{one.name}  {one.licence}{more}")))
    _add_parents(branch, one)


def _add_parents(tree: Tree, one: Forebear) -> None:
    for parent in one.parents:
        known = f"  {parent.licence}" if parent.licence.id else ""
        line = f"{one.relation or 'made'} of {parent.name}{known}"
        _add_parents(tree.add(Text(line, style="dim")), parent)


def to_json(found: "Imported") -> dict[str, Any]:
    """As JSON values."""
    places = {name: str(place) for name, place in found.places.items()}
    rows = [{**past_json(one), "folder": places.get(one.name)} for one in found.founders]
    return {"founders": rows, "news": list(found.news)}


def past_json(one: Forebear) -> Mapping[str, Any]:
    """A founder or a named model with its past."""
    return {
        "name": one.name,
        "licence": one.licence.id and str(one.licence),
        "relation": one.relation,
        "made_of": [past_json(parent) for parent in one.parents],
    }
