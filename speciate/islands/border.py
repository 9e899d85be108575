"""Who is let in: migrants whose weights can be rebuilt here, from founders that are here too.

Nothing that another island says is believed. Its recipes are carried out, and must give weights of
the digests that it names; its scores are not even looked at.
"""

from collections.abc import Mapping
from dataclasses import replace

from speciate.archive.sharing.migrants import Migrant
from speciate.configs.islands import Islands
from speciate.configs.strategies.common import ALL_CROSSOVERS
from speciate.errors import DiskError, RefusedError, SpeciateError
from speciate.islands.journal import Ancestor, Arrival
from speciate.nursery import Nursery
from speciate.planning import check_recipe
from speciate.records import FOUNDER, Individual
from speciate.words import SHORT

Known = Mapping[str, Individual]
_EVOLVED = "evolved"
# Those by which campaigns breed: they read no files, and make no model larger than its parents.
_OPERATORS = {*ALL_CROSSOVERS, "gaussian", "svd_mutation", "succession", "lora_gaussian"}


class Border:
    """Lets migrants in, or says why not."""

    def __init__(self, config: Islands, nursery: Nursery) -> None:
        """Takes who rebuilds weights from the founders of this campaign."""
        self._config, self._nursery = config, nursery

    def passed(self, migrant: Migrant, known: Known) -> Arrival:
        """A migrant, with those of its ancestors that are not known here.

        Raises:
            RefusedError: It cannot be rebuilt here, or should not be.
            DiskError: There is no room for it.
        """
        line = [one for one in migrant.line if one.id not in known]
        if len(line) > self._config.ancestors + 1:
            raise RefusedError(f"it has {len(line) - 1:,} ancestors that are unknown here")
        for one in line:
            self._check(one)
        bare = {one.id: replace(one, evaluation=None) for one in line}
        try:
            self._nursery.folder(migrant.id, {**known, **bare})
        except DiskError:
            raise
        except Exception as error:  # A stranger's recipe must not end the campaign.
            raise RefusedError(str(error) or type(error).__name__) from error
        return Arrival(migrant.island, tuple(Ancestor(one.recipe, str(one.digest)) for one in line))

    def _check(self, one: Individual) -> None:
        """What can be told without any weights."""
        name, operator = one.id[:SHORT], one.recipe.operator
        if operator == FOUNDER:
            founder = one.recipe.parameters["name"]
            raise RefusedError(
                f"it descends from a founder '{founder}' that this campaign does not have; islands "
                "share founders, by name and weights"
            )
        if one.digest is None:
            raise RefusedError(f"{name} failed where it was born")
        if operator == _EVOLVED and not self._config.code:
            raise RefusedError(f"{name} was made by source code; islands.code = true takes that")
        if operator not in {*_OPERATORS, _EVOLVED}:
            raise RefusedError(f"{name} was made by '{operator}', by which no island breeds")
        try:
            check_recipe(one.recipe)
        except SpeciateError as error:
            raise RefusedError(str(error)) from error
