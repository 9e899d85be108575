"""Recipes as agents write them: operator, parents by name, and parameters, one type an operator."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Union

from pydantic import Field

from speciate.agents.reply import choice, record, typed
from speciate.agents.view import Member, Offer, Role
from speciate.configs.section import Section
from speciate.records import Parent, Recipe

# A merge of more models is rarely better, and its recipe longer than a reply may be.
_MOST_PARENTS = 5
_MOST_CANDIDATES = 24
_WEIGHTED = ("model", "adapter")
_WEIGHT = {"type": "number", "minimum": 0.05, "maximum": 2.0}


class Menu:
    """What recipes may be made of: operators, and who may be a parent."""

    def __init__(
        self, offers: Sequence[Offer], candidates: Sequence[Member], base: str | None
    ) -> None:
        """Leaves aside operators that nobody here can be a parent for.

        Args:
            offers: Operators.
            candidates: Possible parents; those who failed are none.
            base: Id of the parent for the role "base".
        """
        self._base = base
        fit = [one for one in candidates if one.error is None][:_MOST_CANDIDATES]
        self._ids = {one.name: one.id for one in fit}
        self._offers = {one.name: one for one in offers if self._possible(one)}
        self._several: dict[tuple[bool, bool, bool], Any] = {}

    @property
    def offers(self) -> tuple[Offer, ...]:
        """Operators that recipes can be written for."""
        return tuple(self._offers.values())

    def written(self) -> Any:  # noqa: ANN401
        """Of a recipe as it is written.

        Raises:
            ValueError: There is no operator for it.
        """
        kinds = tuple(self._written(one) for one in self._offers.values())
        if not kinds:
            raise ValueError("no operator on offer has the parents that it needs")
        return Annotated[Union[kinds], Field(discriminator="operator")]  # noqa: UP007

    def recipe(self, written: Any, seed: int) -> Recipe:  # noqa: ANN401
        """The recipe that was written."""
        offer = self._offers[written.operator]
        parents, weights = self._parents(offer, written)
        parameters: dict[str, Any] = written.parameters.model_dump(mode="json")
        if offer.weighted:
            parameters["weights"] = weights
        return Recipe(offer.name, parents, parameters, seed)

    def _possible(self, offer: Offer) -> bool:
        needed = sum(role.least for role in offer.roles if role.name != "base")
        several = any(_several(role) for role in offer.roles)
        enough = len(self._names(_based(offer))) >= max(needed, 2 if several else 1)
        return enough and (self._base is not None or not _based(offer))

    def _names(self, based: bool) -> list[str]:
        """Who may be a parent; beside the base, the base itself would say nothing."""
        return [name for name, one in self._ids.items() if not based or one != self._base]

    def _written(self, offer: Offer) -> type[Section]:
        """The type of this operator's recipes."""
        roles = [role for role in offer.roles if role.name != "base" and role.least > 0]
        parts = {role.name: self._part(role, offer) for role in roles}
        values = {name: typed(one, _title(name)) for name, one in offer.parameters.items()}
        parameters = record(f"{_title(offer.name)}Parameters", values)
        fields = {"operator": choice([offer.name]), **parts, "parameters": parameters}
        return record(_title(offer.name), fields)

    def _part(self, role: Role, offer: Offer) -> Any:  # noqa: ANN401
        """The type of those who play a role; one for all operators where it is the same."""
        names = self._names(_based(offer))
        if not _several(role):
            return choice(names)
        key = (role.most == 2, offer.weighted, _based(offer))
        if key not in self._several:
            most = 1 if role.most == 2 else min(_MOST_PARENTS, len(names)) - 1
            kinds = [_led_by(name, names, most, offer.weighted) for name in names]
            self._several[key] = Annotated[Union[tuple(kinds)], Field(discriminator="first")]  # noqa: UP007
        return self._several[key]

    def _parents(self, offer: Offer, written: Any) -> tuple[tuple[Parent, ...], list[float]]:  # noqa: ANN401
        """In the order of the roles, with the weights of the models."""
        parents: list[Parent] = []
        weights: dict[str, float] = {}
        for role in offer.roles:
            if role.name == "base":
                parents += [Parent(self._base, "base")] if self._base else []
            elif role.least > 0:
                named = _named(getattr(written, role.name))
                weights |= named if role.name in _WEIGHTED else {}
                parents += [Parent(self._ids[name], role.name) for name in named]
        return tuple(parents), [round(one, 6) for one in weights.values()]


def _led_by(first: str, names: Sequence[str], most: int, weighted: bool) -> type[Section]:
    """The type of several parents; the others are not the first, as the very schema says."""
    other = choice([name for name in names if name != first])
    weight = {"weight": typed(_WEIGHT)} if weighted else {}
    if weighted:
        other = record("Other", {"name": other, **weight})
    others = Annotated[list[other], Field(min_length=1, max_length=most)]  # type: ignore[valid-type]
    return record("Parents", {"first": choice([first]), **weight, "others": others})


def _based(offer: Offer) -> bool:
    return any(role.name == "base" and role.least > 0 for role in offer.roles)


def _several(role: Role) -> bool:
    return role.name != "base" and role.most != 1 and role.least > 0


def _named(part: Any) -> Mapping[str, float]:  # noqa: ANN401
    """Names with weights; who is named twice counts once, with the sum."""
    if isinstance(part, str):
        return {part: 1.0}
    found = {part.first: getattr(part, "weight", 1.0)}
    for other in part.others:
        name, weight = (other, 1.0) if isinstance(other, str) else (other.name, other.weight)
        found[name] = found.get(name, 0.0) + weight
    return found


def _title(name: str) -> str:
    """Of a type: pydantic takes few signs."""
    return "".join(part.capitalize() for part in name.split("_"))
