"""Breeding: carries a recipe out, tensor by tensor, from the parents' folders to a new one."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from torch import Tensor

from speciate.configs.operators import Parameters
from speciate.errors import BreedError, ModelError
from speciate.population.compatibility import check_compatible
from speciate.population.operators.operator import Locus
from speciate.population.operators.registry import OPERATORS, validate
from speciate.population.randomness import Stream, stream
from speciate.population.weights import SHARD_BYTES, Checkpoint, write_model
from speciate.records import Recipe

Sources = Mapping[str, tuple[Checkpoint, ...]]


def breed(
    recipe: Recipe,
    models: Mapping[str, Path],
    out: Path,
    dtype: str | None = None,
    shard_bytes: int = SHARD_BYTES,
) -> str:
    """Makes the individual of a recipe; the same recipe and parents always give the same bytes.

    Config, tokenizer and tensors that are not of floating point come from the base, or else from
    the first parent.

    Args:
        recipe: Of a registered operator.
        models: Model folder of each parent's id.
        out: The new model folder; it appears complete or not at all.
        dtype: float32, bfloat16 or float16; None keeps the base's or first parent's.
        shard_bytes: Largest safetensors file, unless a single tensor is larger.

    Returns:
        The digest of the weights.

    Raises:
        UsageError: `out` exists already, or `dtype` is another.
        ConfigError: The recipe is not one that the operator can carry out.
        ModelError: A parent is damaged, not finite, or does not fit the others.
        DiskError: The disk has no room or cannot be written.
        BreedError: A parent's folder is not given, or the result is not finite.
    """
    parameters = validate(recipe)
    parents = _open(recipe, models)
    check_compatible(parents)
    roles = OPERATORS[recipe.operator].roles
    sources = {role: tuple(parents[id_] for id_ in recipe.with_role(role)) for role in roles}
    frame = sources["base"][0] if "base" in sources else parents[recipe.parents[0].id]
    offspring = _offspring(recipe, parameters, sources, frame)
    return write_model(out, frame, offspring, dtype=dtype, shard_bytes=shard_bytes)


def _open(recipe: Recipe, models: Mapping[str, Path]) -> dict[str, Checkpoint]:
    for parent in recipe.parents:
        if parent.id not in models:
            raise BreedError(f"parent '{parent.id}': its model folder is not given; add it")
    return {parent.id: Checkpoint(models[parent.id]) for parent in recipe.parents}


def _offspring(
    recipe: Recipe, parameters: Parameters, sources: Sources, frame: Checkpoint
) -> Iterator[tuple[str, Tensor]]:
    operator = OPERATORS[recipe.operator]
    context = operator.prepare(sources, parameters)
    for name in frame.names:
        if frame.dtype(name).is_floating_point:
            locus = _locus(recipe, sources, name)
            yield name, operator.merge(locus, parameters, context)


def _locus(recipe: Recipe, sources: Sources, name: str) -> Locus:
    tensors = {role: tuple(_read(model, name) for model in sources[role]) for role in sources}
    return Locus(name, tensors, partial(_stream, recipe, name))


def _stream(recipe: Recipe, name: str, number: int) -> Stream:
    """By the parent's place in the recipe, so that nothing depends on how parents are called."""
    return stream(recipe.seed, recipe.operator, str(number), name)


def _read(model: Checkpoint, name: str) -> Tensor:
    """As float32; NaN is refused here, because operators that drop elements could hide it."""
    tensor = model.tensor(name).float()
    if not bool(tensor.isfinite().all()):
        raise ModelError(
            f"{model.path}: tensor {name} has NaN or infinite values; do not breed from this model"
        )
    return tensor
