"""What searches for paths through blocks need to know of the founders, before anything starts."""

from collections.abc import Sequence
from pathlib import Path

from speciate.configs import schema
from speciate.errors import ConfigError, ModelError
from speciate.population.adapters.config import is_adapter
from speciate.population.founders import Founder
from speciate.population.operators.structure.residual import written_times
from speciate.population.structure import Structure
from speciate.population.weights import Checkpoint


def check_kind(config: schema.Campaign, root: Path) -> None:
    """Refuses adapters where a strategy takes models apart, before weights are read.

    Raises:
        ConfigError: A founder is an adapter.
    """
    if config.strategy.models_only:
        for path in config.founders.models:
            if is_adapter(root / path):
                raise ConfigError(
                    f"{config.strategy.type} takes models apart, and {path} is an adapter; use "
                    "another strategy"
                )


def measured(config: schema.Campaign, founders: Sequence[Founder]) -> schema.Campaign:
    """The campaign, with the number of blocks filled in if its strategy searches for paths.

    Raises:
        ConfigError: The founders have no blocks, or take no factors and some are searched.
    """
    strategy = config.strategy
    if not isinstance(strategy, schema.Dfs | schema.PsDfs):
        return config
    if strategy.blocks is not None:
        raise ConfigError("strategy.blocks is found from founders; leave it out")
    model = Checkpoint(founders[0].path)
    blocks = Structure(model.names).layers
    if not blocks:
        raise ConfigError(f"{strategy.type}: {model.label} has no numbered blocks; use cma_es")
    if strategy.scaled:
        try:
            written_times(0.5, model)
        except ModelError as exc:
            raise ConfigError(f"{exc}; or set strategy.scales = [1, 1]") from exc
    return config.model_copy(update={"strategy": strategy.model_copy(update={"blocks": blocks})})
