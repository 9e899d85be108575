"""LoRA adapters: merged with each other, made from models, and put on models."""

from typing import Any

from speciate.population.adapters import (
    knots,
    lora_cat,
    lora_compeft,
    lora_gaussian,
    lora_lego,
    lora_linear,
    lora_svd,
    robust_merge,
)
from speciate.population.adapters.adapter import Adapter
from speciate.population.adapters.apply import AdaptedSource
from speciate.population.adapters.breed import breed_adapter
from speciate.population.adapters.config import AdapterConfig
from speciate.population.adapters.extract import Extraction, extract_adapter
from speciate.population.adapters.factors import Factors
from speciate.population.adapters.fit import check_fit
from speciate.population.adapters.operator import AdapterOperator, Module
from speciate.population.adapters.reversible import pack, unpack
from speciate.population.adapters.write import write_adapter

OPERATORS: tuple[AdapterOperator[Any, Any], ...] = (
    lora_svd.OPERATOR,
    lora_linear.OPERATOR,
    lora_cat.OPERATOR,
    robust_merge.OPERATOR,
    knots.OPERATOR,
    lora_lego.OPERATOR,
    lora_compeft.OPERATOR,
    lora_gaussian.OPERATOR,
)

__all__ = [
    "OPERATORS",
    "AdaptedSource",
    "Adapter",
    "AdapterConfig",
    "AdapterOperator",
    "Extraction",
    "Factors",
    "Module",
    "breed_adapter",
    "check_fit",
    "extract_adapter",
    "pack",
    "unpack",
    "write_adapter",
]
