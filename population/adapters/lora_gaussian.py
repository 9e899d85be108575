"""Mutation of an adapter by sparse normal noise, as GENOME's on the factors of LoRA experts."""

from torch import Tensor

from speciate.configs.operators.adapters import LoraGaussian
from speciate.population.adapters.factors import Factors, side_by_side, truncated
from speciate.population.adapters.operator import AdapterOperator, Module
from speciate.population.operators.operator import ONE
from speciate.population.randomness import Stream


def merge(module: Module, parameters: LoraGaussian, _: None) -> Factors:
    """The update as balanced factors, each with noise of its own on elements drawn at random.

    Balanced first, so that noise of a size has one effect however the update is written as a
    product: trained factors differ in size by orders of magnitude.
    """
    (one,) = module.present
    parent = truncated(*side_by_side([(one, 1.0)]), one.rank)
    a, b = (
        _noisy(factor, parameters, module.stream(number))
        for number, factor in enumerate((parent.a, parent.b))
    )
    return Factors(a, b)


def _noisy(factor: Tensor, parameters: LoraGaussian, stream: Stream) -> Tensor:
    moved = stream.bernoulli(factor.shape, parameters.density)
    child = factor.clone()
    child[moved] += stream.normal((int(moved.sum()),)) * parameters.sigma
    return child


OPERATOR = AdapterOperator(
    "lora_gaussian", LoraGaussian, merge, roles={"adapter": ONE}, paper="arXiv 2503.01155"
)
