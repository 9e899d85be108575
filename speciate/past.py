"""What founders were made from, and by which licences, before anybody bred from them.

Cards were written by strangers: only plain names go further, and nothing is followed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from speciate.archive.index.rows import Row
from speciate.licences import Licence, identifier, licence_of
from speciate.records import FOUNDER, Past
from speciate.strangers import adapter_config_of, front_matter, hub_named

if TYPE_CHECKING:
    from speciate.archive.archive import Archive

RELATIONS = ("finetune", "adapter", "merge", "quantized")
_DEEPEST = 12


@dataclass(frozen=True)
class Forebear:
    """A founder, or a model that is only named.

    Attributes:
        name: The founder's, or the hub's.
        licence: As far as it is known.
        relation: To the models it was made from, if its card tells; one of `RELATIONS`.
        parents: These, each with its own past as far as that is known.
    """

    name: str
    licence: Licence
    relation: str | None = None
    parents: tuple["Forebear", ...] = ()


def stated_past(folder: Path) -> Past | None:
    """What a model's folder says of itself; None if that is nothing."""
    licence = licence_of(folder)
    models, relation = _declared(folder)
    found = Past(licence.id, licence.name, relation, models)
    return found if found != Past() else None


def _declared(folder: Path) -> tuple[tuple[str, ...], str | None]:
    """Models it was made from, and how."""
    fields = front_matter(folder)
    stated = fields.get("base_model")
    models = hub_named(stated if isinstance(stated, list) else [stated])
    relation = fields.get("base_model_relation")
    adapted = hub_named([adapter_config_of(folder).get("base_model_name_or_path")])
    if adapted and not models:
        return tuple(adapted), "adapter"
    return tuple(models), relation if models and relation in RELATIONS else None


def pasts_of(archive: "Archive", founders: Sequence[Row]) -> list[Forebear]:
    """Founders with all that is known of their past.

    Args:
        archive: Open; what is recorded counts, then what this machine was told.
        founders: Rows of its index.

    Raises:
        DamageError: A founder is not what was recorded.
    """
    cards, found = archive.cards, []
    for one in archive.individuals.several([row.id for row in founders]):
        name = str(one.recipe.parameters["name"])
        own = one.past or cards.get(name) or _on_disk(archive, name) or Past()
        found.append(_forebear(name, own, cards, frozenset([name])))
    return found


def _on_disk(archive: "Archive", name: str) -> Past | None:
    """Of founders of an archive that was begun before pasts were recorded."""
    path = archive.founder_paths.get(name)
    return stated_past(path) if path is not None else None


def _forebear(name: str, past: Past, cards: Mapping[str, Past], below: frozenset[str]) -> Forebear:
    """Not further than cards name each other in a circle, or in a line that never ends."""
    names = hub_named(past.models) if len(below) <= _DEEPEST else []
    parents = tuple(
        _forebear(model, cards.get(model, Past()), cards, below | {model})
        for model in names
        if model not in below
    )
    relation = past.relation if past.relation in RELATIONS else None
    return Forebear(name, licence_in(past), relation, parents)


def licence_in(past: Past) -> Licence:
    """The licence that a past tells of."""
    return Licence(identifier(past.licence), identifier(past.licence_name))


def founders_below(archive: "Archive", name: str) -> list[Row]:
    """The founders whose weights are in an individual's; of adapters, their base as well."""
    found = archive.index.founders_of(name)
    if archive.config.get("engine", {}).get("adapters"):
        base = str(archive.config["founders"]["base"])
        found += archive.index.rows("operator = ? AND name = ?", [FOUNDER, base])
    return list({row.id: row for row in found}.values())


def made_of(one: Forebear) -> str:
    """What a founder's card names, in words; "" if that is nothing."""
    models = ", ".join(parent.name for parent in one.parents)
    return f"{models} ({one.relation})" if models and one.relation else models


def described(past: Past) -> str:
    """In words."""
    licence = f"licence {past.licence_name or past.licence}" if past.licence else "no licence"
    made = f"{past.relation or 'made'} of {', '.join(past.models)}" if past.models else ""
    return "; ".join(filter(None, (licence, made)))


def licence_line(licences: Mapping[str, Licence]) -> str:
    """The licence of whoever inherits these, or which founder has which."""
    owners: dict[str, list[str]] = {}
    for name, licence in licences.items():
        owners.setdefault(str(licence), []).append(name)
    if len(owners) == 1:
        return next(iter(owners))
    return "; ".join(f"{licence} ({', '.join(names)})" for licence, names in owners.items())
