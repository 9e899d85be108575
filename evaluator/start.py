"""Starts the engine that a campaign asks for, importing nothing that the others need."""

from pathlib import Path

from speciate.configs import schema
from speciate.evaluator import Engine


def start_engine(config: schema.Engine, frame: Path) -> Engine:
    """An engine on the model folder `frame`.

    Raises:
        EvaluationError: It does not start.
    """
    if isinstance(config, schema.Vllm):
        from speciate.evaluator.engine import VllmEngine

        return VllmEngine(config, frame)
    from speciate.evaluator.hf import TransformersEngine

    return TransformersEngine(config, frame)
