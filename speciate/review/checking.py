"""Whether a recipe can be carried out, as far as can be told without its parents' weights."""

from contextlib import suppress

from speciate.archive.draft import EVOLVED
from speciate.errors import ConfigError, SandboxError
from speciate.planning import check_recipe
from speciate.population.operators.evolved import try_out
from speciate.records import Recipe


def check(recipe: Recipe) -> None:
    """Refuses a recipe that no operator carries out.

    Raises:
        ConfigError: The operator is unknown, its code may not run, or parents or parameters do not
            suit it.
    """
    # Who decides needs no sandbox; who breeds does.
    with suppress(SandboxError):
        check_recipe(recipe)


def check_written(recipe: Recipe) -> None:
    """The same for a recipe that a person wrote: its code is tried out as an agent's would be.

    Raises:
        ConfigError: As `check`, or the code fails its trials.
        SandboxError: There is no sandbox on this machine to try it in.
    """
    check(recipe)
    if recipe.operator != EVOLVED:
        return
    trials = try_out(recipe.parameters["source"])
    if not trials.passed:
        raise ConfigError(f"evolved: the trials of its code fail: {'; '.join(trials.problems)}")
