"""Breeding of adapters: carries an operator out, module by module, to a new folder."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from speciate.configs.operators.common import Parameters
from speciate.configs.operators.per_model import own_order, reordered
from speciate.configs.section import nearest
from speciate.errors import BreedError, ConfigError
from speciate.population.adapters.adapter import Adapter
from speciate.population.adapters.config import AdapterConfig
from speciate.population.adapters.factors import Factors
from speciate.population.adapters.fit import check_fit
from speciate.population.adapters.operator import AdapterOperator, Module
from speciate.population.adapters.write import output_dtype, write_adapter
from speciate.population.operators.stages import weighted_mean
from speciate.population.operators.weighting import cancel
from speciate.population.randomness import Stream, stream
from speciate.population.safetensors_writer import raw_bytes
from speciate.population.threads import one_thread


def breed_adapter(
    operator: AdapterOperator[Any, Any],
    parameters: Parameters,
    adapters: Mapping[str, Sequence[Adapter]],
    out: Path,
    seed: int,
    dtype: str | None = None,
) -> str:
    """Makes an adapter of adapters; the same call always gives the same bytes.

    The order of the adapters says nothing, as long as weights follow them. Tensors that they hold
    in full (`modules_to_save`) become their mean, over those that have them, by the weights of the
    operator if it has any that can be divided by their sum.

    Args:
        operator: One of `OPERATORS`.
        parameters: Of the operator's model.
        adapters: Parents by role.
        out: The new folder; it appears complete or not at all.
        seed: Of all random numbers.
        dtype: float32, bfloat16 or float16; None keeps the narrowest that holds all parents.

    Returns:
        The digest of the adapter.

    Raises:
        UsageError: `out` exists already, or `dtype` is another.
        ConfigError: Roles or parameters do not fit the operator.
        ModelError: A parent is not finite, or parents do not fit each other.
        DiskError: The disk has no room or cannot be written.
        BreedError: Nothing is adapted, or the result is not finite.
    """
    parents = _parents(operator, adapters)
    try:
        operator.check(parameters, len(parents))
    except ConfigError as exc:
        raise ConfigError(f"{operator.name}: {exc}") from exc
    check_fit(parents, operator.equal_ranks)
    widest = reduce(torch.promote_types, (parent.dtype for parent in parents))
    with one_thread():
        return write_adapter(
            out,
            _config(parents),
            _merged(operator, parameters, parents, seed),
            embeddings={m for one in parents for m in one.modules if one.layout(m).embedding},
            saved=_means(parents, parameters),
            dtype=output_dtype(dtype, widest),
        )


def check_ranks(operator: AdapterOperator[Any, Any], parents: Sequence[Adapter]) -> None:
    """Refuses adapters of different ranks where the operator needs equal ones.

    Raises:
        BreedError: They differ; the text names no folder.
    """
    first: dict[str, int] = {}
    for one in parents if operator.equal_ranks else ():
        for module in one.modules:
            rank = first.setdefault(module, one.rank(module))
            if rank != one.rank(module):
                raise BreedError(
                    f"{operator.name} needs adapters of one rank: {module} has {rank} and "
                    f"{one.rank(module)}"
                )


def modules(adapters: Sequence[Adapter], seed: int = 0, operator: str = "") -> Iterator[Module]:
    """All modules that an adapter changes, by name, with the factors of all adapters.

    Raises:
        ModelError: Factors have NaN or infinite values.
    """
    for name in sorted({name for adapter in adapters for name in adapter.modules}):
        factors = tuple(adapter.factors(name) for adapter in adapters)
        yield Module(name, factors, partial(_stream, seed, operator, name))


def _stream(seed: int, operator: str, module: str, number: int) -> Stream:
    return stream(seed, operator, str(number), module)


def _merged(
    operator: AdapterOperator[Any, Any],
    parameters: Parameters,
    parents: Sequence[Adapter],
    seed: int,
) -> Iterator[tuple[str, Factors]]:
    context = operator.prepare(parents, parameters)
    for module in modules(parents, seed, operator.name):
        # Not even the last bit depends on the order in which adapters are listed.
        order = own_order([_key(factors) for factors in module.factors], parameters)
        turned = replace(module, factors=tuple(module.factors[index] for index in order))
        yield module.name, operator.merge(turned, reordered(parameters, order), context)


def _key(factors: Factors | None) -> str:
    """Equal for equal factors."""
    if factors is None:
        return ""
    return f"{_hash(factors.a)}{_hash(factors.b)}{factors.scale!r}"


def _hash(tensor: Tensor) -> str:
    return hashlib.sha256(raw_bytes(tensor)).hexdigest()


def _parents(
    operator: AdapterOperator[Any, Any], adapters: Mapping[str, Sequence[Adapter]]
) -> list[Adapter]:
    for role in adapters:
        if role not in operator.roles:
            hint = nearest(role, list(operator.roles))
            raise ConfigError(f"{operator.name}: no parent may be '{role}'; {hint}")
    for role, arity in operator.roles.items():
        count = len(adapters.get(role, ()))
        if count < arity.least or count > (arity.most or count):
            raise ConfigError(f"{operator.name}: takes {arity.words} '{role}', not {count}")
    return [one for role in operator.roles for one in adapters.get(role, ())]


def _config(parents: Sequence[Adapter]) -> AdapterConfig:
    """What is the same for all parents that say it; ranks and scales are the child's own."""

    def said(field: str) -> str | None:
        values = (getattr(parent.config, field) for parent in parents)
        return next((value for value in values if value is not None), None)

    return AdapterConfig(
        base_model_name_or_path=said("base_model_name_or_path"),
        task_type=said("task_type"),
        fan_in_fan_out=parents[0].config.fan_in_fan_out,
    )


def _means(parents: Sequence[Adapter], parameters: Parameters) -> dict[str, Tensor]:
    """Full tensors, averaged over the parents that have them."""
    weights = getattr(parameters, "weights", None) or [1.0] * len(parents)
    means = {}
    for name in sorted({name for parent in parents for name in parent.saved}):
        having = [
            (one.saved_tensor(name).float(), weight)
            for one, weight in zip(parents, weights, strict=True)
            if name in one.saved
        ]
        having.sort(key=lambda pair: (_hash(pair[0]), pair[1]))
        used = [weight for _, weight in having]
        # They are weights and no updates: without a sum of 1 they would grow or vanish.
        shares = [1.0] * len(used) if cancel(used) else used
        means[name] = weighted_mean([tensor for tensor, _ in having], shares)
    return means
