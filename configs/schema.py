"""The schema of a campaign file. Every field has a default or a bound, and a sentence."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from speciate.configs.operators import CROSSOVERS, WITH_BASE
from speciate.configs.operators.common import NonNegative
from speciate.configs.section import Section, nearest
from speciate.configs.tasks import ExactMatch as ExactMatch
from speciate.configs.tasks import Generating as Generating
from speciate.configs.tasks import Likelihood as Likelihood
from speciate.configs.tasks import MultipleChoice as MultipleChoice
from speciate.configs.tasks import Name
from speciate.configs.tasks import Perplexity as Perplexity
from speciate.configs.tasks import Plugin as Plugin
from speciate.configs.tasks import Task as Task

Rate = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


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


class Vllm(Section):
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


class Transformers(Section):
    """transformers in this process: for small models and as the reference."""

    type: Literal["transformers"]
    dtype: Literal["float32", "bfloat16", "float16"] = Field("float32", description="Of the run.")
    device: Annotated[str, Field(pattern=r"^[a-z]+(:[0-9]+)?$")] = Field(
        "cpu", description="A torch device, such as cpu, cuda or cuda:1."
    )
    batch_size: Annotated[int, Field(ge=1)] = Field(64, description="Sequences in one batch.")


Engine = Annotated[Vllm | Transformers, Field(discriminator="type")]
Range = tuple[float, float]
Drawn = float | bool | str | Range


def _end_of(key: str, value: Any, end: int) -> Any:  # noqa: ANN401
    """A parameter with the lower (0) or upper (1) ends of all its ranges."""
    if isinstance(value, dict):
        return {name: _end_of(name, part, end) for name, part in value.items()}
    if not isinstance(value, tuple):
        return value
    if value[0] > value[1]:
        raise ValueError(f"'{key}' must be [low, high], not [{value[0]:g}, {value[1]:g}]")
    return value[end]


class Crossover(Section):
    """One operator that crossover may use, and how its parameters are drawn."""

    operator: str = Field("linear", description="Name of an operator that merges models.")
    share: Positive = Field(1.0, description="Weight of this operator among those listed.")
    parameters: dict[str, Drawn | dict[str, Drawn]] = Field(
        {}, description="Fixed values, or [low, high] to draw from uniformly; also in tables."
    )

    @field_validator("operator")
    @classmethod
    def _can_cross(cls, operator: str) -> str:
        if operator not in CROSSOVERS:
            raise ValueError(f"unknown value '{operator}'; {nearest(operator, list(CROSSOVERS))}")
        return operator

    @field_validator("parameters")
    @classmethod
    def _accepted(cls, parameters: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        model = CROSSOVERS.get(info.data.get("operator", ""))
        if model is None:
            return parameters
        # How much of each parent there is comes from their fitness.
        known = [name for name in model.model_fields if name != model.share]
        for key in parameters:
            if key not in known:
                raise ValueError(f"unknown parameter '{key}'; {nearest(key, known)}")
        for end in (0, 1):
            model.model_validate({k: _end_of(k, value, end) for k, value in parameters.items()})
        return parameters


class Genome(Section):
    """GENOME: crossover, mutation and selection by tournament."""

    type: Literal["genome"]
    generations: Annotated[int, Field(ge=1)] = Field(50, description="Rounds of breeding.")
    population: Annotated[int, Field(ge=2)] = Field(10, description="N, living individuals.")
    founding: Literal["pairs", "all", "founders"] = Field(
        "pairs",
        description="First population: merges of pairs of founders at random weights (the "
        "paper's), N merges of all founders at random weights, or the founders themselves.",
    )
    crossover_rate: Rate = Field(0.8, description="Probability of each of the N/2 trials.")
    mutation_rate: Rate = Field(0.15, description="Probability that an individual has a mutant.")
    gene_rate: Rate = Field(0.01, description="Fraction of a mutant's elements that is moved.")
    sigma: NonNegative = Field(0.01, description="Of the noise, in weights.")
    elite: Rate = Field(0.02, description="Fraction of N that survives by rank alone.")
    tournament: Annotated[int, Field(ge=1)] = Field(3, description="Size of a tournament.")
    crossover: tuple[Crossover, ...] = Field(
        (Crossover(),), description="Operators of founding and crossover.", min_length=1
    )


class GenomePlus(Genome):
    """GENOME+: selection by roulette, and succession (a particle-swarm step on weights)."""

    type: Literal["genome_plus"]  # type: ignore[assignment]
    generations: Annotated[int, Field(ge=1)] = Field(10, description="Rounds of breeding.")
    crossover_rate: Rate = Field(0.3, description="Probability of each of the N/2 trials.")
    mutation_rate: Rate = Field(0.3, description="Probability that an individual has a mutant.")
    gene_rate: Rate = Field(0.1, description="Fraction of a mutant's elements that is moved.")
    sigma: NonNegative = Field(0.001, description="Of the noise, in weights.")
    elite: Rate = Field(0.1, description="Fraction of N that survives by rank alone.")
    inertia: Rate = Field(0.2, description="phi0, pull along the last move.")
    cognitive: Rate = Field(0.2, description="phi1, pull to the individual's own best.")
    social: Rate = Field(0.2, description="phi2, pull to the best ever seen.")
    repulsion: Rate = Field(0.1, description="phi3, push from the worst ever seen.")
    step: Annotated[float, Field(gt=0)] = Field(0.5, description="lambda, length of a move.")
    step_decay: Annotated[float, Field(gt=0, le=1)] = Field(
        0.95, description="Factor of lambda after each succession."
    )


Strategy = Annotated[Genome | GenomePlus, Field(discriminator="type")]


class Store(Section):
    """What becomes of weights; whatever is not kept is rebuilt from recipes on demand."""

    keep: Literal["living", "champions", "all"] = Field(
        "living", description="Weights kept after each step: the population's, the best's, or all."
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
    engine: Engine = Vllm(type="vllm")
    store: Store = Store()
    ensemble: bool = Field(
        False, description="At the end, try majority votes of the best k on tasks with answers."
    )

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
        operators = [crossover.operator for crossover in self.strategy.crossover]
        pairs = [name for name in operators if CROSSOVERS[name].models == "two"]
        if pairs and self.strategy.founding == "all":
            raise ValueError(f'{pairs[0]} merges two models: set strategy.founding = "pairs"')
        used = set(operators) & WITH_BASE
        if used and self.founders.base is None:
            raise ValueError(f"{min(used)} needs a base model: set founders.base")
        return self
