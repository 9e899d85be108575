"""The schema of a campaign file. Every field has a default or a bound, and a sentence."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from speciate.configs.agents import Agents as Agents
from speciate.configs.cluster import Cluster as Cluster
from speciate.configs.constraints import Constraint as Constraint
from speciate.configs.constraints import check_tasks
from speciate.configs.islands import Islands as Islands
from speciate.configs.operators import WITH_BASE
from speciate.configs.overfitting import EarlyStopping as EarlyStopping
from speciate.configs.overfitting import Validation as Validation
from speciate.configs.screens import Screens as Screens
from speciate.configs.section import Section
from speciate.configs.strategies import Archipelago as Archipelago
from speciate.configs.strategies import BestOf as BestOf
from speciate.configs.strategies import Breeding as Breeding
from speciate.configs.strategies import CmaEs as CmaEs
from speciate.configs.strategies import Crossover as Crossover
from speciate.configs.strategies import CycleQd as CycleQd
from speciate.configs.strategies import Darwin as Darwin
from speciate.configs.strategies import Dfs as Dfs
from speciate.configs.strategies import Estimate as Estimate
from speciate.configs.strategies import FrankWolfe as FrankWolfe
from speciate.configs.strategies import Genome as Genome
from speciate.configs.strategies import GenomePlus as GenomePlus
from speciate.configs.strategies import GreedySoup as GreedySoup
from speciate.configs.strategies import Kinship as Kinship
from speciate.configs.strategies import M2n2 as M2n2
from speciate.configs.strategies import MapElites as MapElites
from speciate.configs.strategies import MateChoice as MateChoice
from speciate.configs.strategies import Mixture as Mixture
from speciate.configs.strategies import Novelty as Novelty
from speciate.configs.strategies import Nsga2 as Nsga2
from speciate.configs.strategies import Offspring as Offspring
from speciate.configs.strategies import PowerLaw as PowerLaw
from speciate.configs.strategies import PsDfs as PsDfs
from speciate.configs.strategies import Race as Race
from speciate.configs.strategies import Random as Random
from speciate.configs.strategies import Sampling as Sampling
from speciate.configs.strategies import Search as Search
from speciate.configs.strategies import SteadyState as SteadyState
from speciate.configs.strategies import Strategy as Strategy
from speciate.configs.strategies import Surrogate as Surrogate
from speciate.configs.strategies import Windowed as Windowed
from speciate.configs.strategies import WindowedBreeding as WindowedBreeding
from speciate.configs.strategies.common import ALL_CROSSOVERS
from speciate.configs.tasks import ExactMatch as ExactMatch
from speciate.configs.tasks import Generating as Generating
from speciate.configs.tasks import Likelihood as Likelihood
from speciate.configs.tasks import MultipleChoice as MultipleChoice
from speciate.configs.tasks import Name
from speciate.configs.tasks import Perplexity as Perplexity
from speciate.configs.tasks import Plugin as Plugin
from speciate.configs.tasks import Task as Task
from speciate.configs.track import Track as Track

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _is_none(value: object) -> bool:
    """Not archived: archives of campaigns of models are as they were before there were adapters."""
    return value is None


def founder_name(path: str) -> str:
    """What a founder is called: the last part of its path as written, wherever links lead."""
    return path.rstrip("/").rsplit("/", 1)[-1]


class Founders(Section):
    """Where the campaign starts; paths are relative to the campaign file."""

    base: str | None = Field(None, description="Common ancestor, origin of task vectors.")
    models: tuple[str, ...] = Field(description="Model folders to breed from.", min_length=2)

    @model_validator(mode="after")
    def _distinct(self) -> "Founders":
        paths = dict.fromkeys([*([self.base] if self.base else []), *self.models])
        names = [founder_name(path) for path in paths]
        for name in names:
            if name in ("", ".", "..", "average", "champion"):
                raise ValueError(f"a founder cannot be named '{name}'; rename its folder")
            if names.count(name) > 1:
                raise ValueError(f"two model folders are named '{name}'; rename one")
        return self


class Batching(Section):
    """What engines share: how many adapters they score at once."""

    adapters: Annotated[int, Field(ge=1, le=64)] | None = Field(
        None,
        description="Candidates in one batch, in campaigns of adapters; 8 there if not given.",
        exclude_if=_is_none,
    )


class Vllm(Batching):
    """vLLM: one engine that starts once and takes each candidate by weight swap."""

    type: Literal["vllm"]
    dtype: Literal["float32", "bfloat16", "float16"] = Field("float32", description="Of the run.")
    max_model_len: Annotated[int, Field(ge=8)] | None = Field(
        None, description="Longest prompt and answer in tokens; the model's own if not given."
    )
    memory_gib: Positive = Field(1.0, description="Key-value cache on a CPU, in GiB.")
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] = Field(
        0.9, description="Share of a GPU's memory."
    )
    tensor_parallel: Annotated[int, Field(ge=1)] = Field(1, description="GPUs a model is split on.")
    max_num_seqs: Annotated[int, Field(ge=1)] = Field(256, description="Sequences in one batch.")
    adapter_rank: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Largest rank that there is room for; found, and not to be given.",
        exclude_if=_is_none,
    )
    adapter_modules: tuple[str, ...] | None = Field(
        None,
        description="Last parts of the names of adapted modules; found, and not to be given.",
        exclude_if=_is_none,
    )


class Transformers(Batching):
    """transformers in this process: for small models and as the reference."""

    type: Literal["transformers"]
    dtype: Literal["float32", "bfloat16", "float16"] = Field("float32", description="Of the run.")
    device: Annotated[str, Field(pattern=r"^[a-z]+(:[0-9]+)?$")] = Field(
        "cpu", description="A torch device, such as cpu, cuda or cuda:1."
    )
    batch_size: Annotated[int, Field(ge=1)] = Field(64, description="Sequences in one batch.")


Engine = Annotated[Vllm | Transformers, Field(discriminator="type")]


class Store(Section):
    """What becomes of weights; whatever is not kept is rebuilt from recipes on demand."""

    keep: Literal["living", "champions", "all"] = Field(
        "living",
        description="Weights kept after each step: what the population can be bred from at once, "
        "what the best can be made from at once, or all.",
    )
    dtype: Literal["float32", "bfloat16", "float16"] | None = Field(
        None, description="Of offspring on disk; the founders' own if not given."
    )
    shard_gib: Positive = Field(5.0, description="Largest safetensors file of an offspring.")


class Campaign(Section):
    """A whole campaign file."""

    name: Name = Field(description="Of the campaign, in titles.")
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(0, description="Key of all randomness.")
    founders: Founders
    tasks: tuple[Task, ...] = Field(min_length=1)
    strategy: Strategy
    constraints: tuple[Constraint, ...] = Field(
        (), description="What individuals must keep to; who does not is selected last."
    )
    screens: Screens | None = Field(
        None, description="What offspring must pass before they are scored."
    )
    early_stopping: EarlyStopping | None = Field(
        None,
        description="When the search ends before its strategy does.",
        exclude_if=_is_none,
    )
    validation: Validation | None = Field(
        None,
        description="Search items that are kept from selection, to choose the champion by.",
        exclude_if=_is_none,
    )
    agents: Agents | None = Field(
        None, description="Language models that propose recipes and write operators."
    )
    islands: Islands | None = Field(
        None,
        description="Campaigns elsewhere that this one exchanges individuals with.",
        exclude_if=_is_none,
    )
    engine: Engine = Vllm(type="vllm")
    store: Store = Store()
    cluster: Cluster = Cluster()
    track: Track = Track()
    ensemble: bool = Field(
        False, description="At the end, try majority votes of the best k on tasks with answers."
    )

    @property
    def race(self) -> Race | None:
        """How candidates are raced, if they are."""
        return self.strategy.race if isinstance(self.strategy, SteadyState) else None

    @property
    def estimate(self) -> Estimate | None:
        """How candidates are estimated, if they are."""
        return self.strategy.estimate if isinstance(self.strategy, SteadyState) else None

    @model_validator(mode="after")
    def _makes_sense(self) -> "Campaign":
        names = [task.name for task in self.tasks]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two tasks are named '{name}'")
        if not any(task.weight > 0 for task in self.tasks):
            raise ValueError("no task has weight > 0, so there is no fitness to select by")
        if not any(task.test for task in self.tasks):
            raise ValueError("no task has a 'test' file, which the final report is made from")
        for strategy in self.strategy.each:
            self._check_strategy(strategy)
        for section, others in {"agents": "agents", "islands": "migrants"}.items():
            if getattr(self, section) and not self.strategy.open_to_agents:
                raise ValueError(
                    f"{self.strategy.type} needs the results of its own proposals, so {others} "
                    f"cannot replace any; leave out {section}, or use another strategy"
                )
        return self

    def _check_strategy(self, strategy: Search) -> None:
        chosen = {key: getattr(strategy, key, ()) for key in strategy.naming_tasks}
        check_tasks(self.tasks, chosen, self.constraints)
        operators = [crossover.operator for crossover in strategy.crossover]
        pairs = [name for name in operators if ALL_CROSSOVERS[name].models == "two"]
        if pairs and getattr(strategy, "founding", None) == "all":
            raise ValueError(f'{pairs[0]} merges two models: set strategy.founding = "pairs"')
        used = set(operators) & WITH_BASE
        needs = min(used) if used else getattr(strategy, "type", "") * strategy.needs_base
        if needs and self.founders.base is None:
            raise ValueError(f"{needs} needs a base model: set founders.base")
