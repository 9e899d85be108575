"""Runs a model block by block: what comes before a block is cached, what comes after is skipped."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from speciate.errors import ModelError
from speciate.evaluator.measure.model import Measured
from speciate.evaluator.measure.texts import Text

# What a block returns: hidden states, or a tuple that begins with them.
Output = Any


class Blocks:
    """The transformer blocks of a model, whose weights may be replaced between runs."""

    def __init__(self, model: Measured) -> None:
        """Finds the blocks.

        Raises:
            ModelError: The model has no list of as many blocks as its config says.
        """
        self._model = model
        count = model.module.config.get_text_config().num_hidden_layers
        found = [
            (name, module)
            for name, module in model.module.named_modules()
            if isinstance(module, nn.ModuleList) and len(module) == count
        ]
        if not found:
            raise ModelError(
                f"{model.stored.folder}: transformers' model has no list of {count} blocks; "
                "use regmean with collected statistics"
            )
        self._name, self._stack = found[0]
        self._parameters = {name: p for p, names in model.names.items() for name in names}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._stack)

    def names(self, block: int) -> list[str]:
        """Of the tensors that the folder stores for a block."""
        prefix = f"{self._name}.{block}."
        return [name for name in self._model.stored.names if name.startswith(prefix)]

    def linear(self, block: int) -> Mapping[str, nn.Linear]:
        """Linear layers of a block by the name of their weight."""
        held = set(self.names(block))
        return {name: layer for name, layer in self._model.linear.items() if name in held}

    def head(self) -> Mapping[str, nn.Linear]:
        """The layer that makes logits; none if its weight is that of the embedding."""
        head = self._model.module.get_output_embeddings()
        return {name: layer for name, layer in self._model.linear.items() if layer is head}

    def load(self, name: str, values: Tensor) -> None:
        """Replaces a weight; nothing happens for names that the model does not use."""
        if name in self._parameters:
            self._parameters[name].data.copy_(values)

    @torch.inference_mode()
    def run(self, text: Text, block: int, before: Output) -> Output:
        """What a block makes of a text.

        Args:
            text: Its token ids.
            block: Number of the block; one after the last runs what makes logits.
            before: What the block before returned for the text; anything for the first.
        """
        after: list[Output] = [before]
        with ExitStack() as undo:
            for number, other in enumerate(self._stack):
                if number != block:
                    undo.enter_context(_instead(other, lambda *_, **__: after[-1]))
            if block == len(self._stack):
                self._model.logits(text.tokens)
                return before
            hook = self._stack[block].register_forward_hook(
                lambda _, __, output: after.append(output)
            )
            undo.callback(hook.remove)
            ids = torch.tensor([text.tokens], device=self._model.device)
            self._model.module.base_model(input_ids=ids, use_cache=False)
        return after[-1]


def _instead(module: nn.Module, forward: Callable[..., Output]) -> ExitStack:
    """Calls another function in place of a module's own, until it is closed."""
    undo = ExitStack()
    module.forward = forward
    undo.callback(delattr, module, "forward")
    return undo
