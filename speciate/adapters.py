"""What a campaign of adapters needs besides those of models, found before anything is started."""

from collections.abc import Sequence
from typing import Any

from speciate.configs import schema
from speciate.errors import ConfigError
from speciate.evaluator.lora import RANKS
from speciate.planning import ADAPTER_OPERATORS
from speciate.population.adapters import Adapter
from speciate.population.founders import Founder

BATCH = 8
"""Adapters in one batch unless the campaign says otherwise."""


def fitted(config: schema.Campaign, founders: Sequence[Founder]) -> schema.Campaign:
    """The campaign, with what its founders decide filled in if they are adapters.

    Raises:
        ConfigError: Engine or operators are not for such founders.
    """
    adapters = [Adapter(founder.path) for founder in founders if founder.is_adapter]
    engine, strategy = config.engine, config.strategy
    if isinstance(engine, schema.Vllm) and (engine.adapter_rank or engine.adapter_modules):
        raise ConfigError(
            "engine.adapter_rank and engine.adapter_modules are found from founders; leave them out"
        )
    if not adapters:
        _check_of_models(config)
        return config
    strategy = strategy.adapted()
    if not strategy.of_adapters:
        name = strategy.crossovers[0].operator
        raise ConfigError(f"{name} merges models, and the founders are adapters; use lora_svd")
    found: dict[str, Any] = {"adapters": engine.adapters or BATCH}
    _check_batches(config, found["adapters"])
    _check_ranks(strategy, adapters)
    if isinstance(engine, schema.Vllm):
        found["adapter_rank"] = _room(strategy, adapters)
        found["adapter_modules"] = adapted_modules(adapters)
    engine = engine.model_copy(update=found)
    return config.model_copy(update={"engine": engine, "strategy": strategy})


def _check_of_models(config: schema.Campaign) -> None:
    if config.strategy.of_adapters:
        name = config.strategy.crossovers[0].operator
        raise ConfigError(f"{name} merges adapters, and the founders are models; use linear")
    if config.engine.adapters is not None:
        raise ConfigError("engine.adapters is for founders that are adapters; leave it out")


def _check_batches(config: schema.Campaign, size: int) -> None:
    """Refuses what decides of one candidate at a time where several are scored together."""
    alone = {
        "race": ("do not race", config.race),
        "estimate": ("are not estimated", config.estimate),
    }
    for name, (done, given) in alone.items():
        if given and size > 1:
            raise ConfigError(
                f"candidates {done} {size} in a batch; set engine.adapters = 1, or leave out "
                f"strategy.{name}"
            )


def _check_ranks(strategy: schema.Search, adapters: Sequence[Adapter]) -> None:
    """Refuses operators that need equal ranks where founders or children may have others."""
    for option in strategy.crossovers:
        if not ADAPTER_OPERATORS[option.operator].equal_ranks:
            continue
        chosen = [one for one in strategy.crossovers if one.parameters.get("rank")]
        if chosen or len({one.rank(module) for one in adapters for module in one.modules}) > 1:
            raise ConfigError(
                f"{option.operator} needs adapters of one rank, and founders or children have "
                "several; leave it out, or give no rank and founders of one"
            )


def _room(strategy: schema.Search, adapters: Sequence[Adapter]) -> int:
    """The least rank that vLLM can make room for and that founders and children keep to."""
    asked = [one.parameters.get("rank") for one in strategy.crossovers]
    ranks = [one.rank(module) for one in adapters for module in one.modules]
    largest = max([*ranks, *(int(rank) for rank in asked if isinstance(rank, float))])
    for rank in RANKS:
        if largest <= rank:
            return rank
    raise ConfigError(
        f"an adapter would have rank {largest}, vLLM takes {RANKS[-1]} at most; give lora_svd a "
        'lower rank and founders cut to it, or use engine.type = "transformers"'
    )


def adapted_modules(adapters: Sequence[Adapter]) -> tuple[str, ...]:
    """Last parts of the names of all modules.

    Raises:
        ConfigError: One is the output head.
    """
    names = sorted({module for one in adapters for module in one.modules})
    for one in adapters:
        for module in one.modules:
            if module.endswith("lm_head"):
                raise ConfigError(
                    f"{one.path}: adapts {module}, with which vLLM misreads prompts; train it "
                    'without, or use engine.type = "transformers"'
                )
    return tuple(sorted({name.rpartition(".")[2] for name in names}))
