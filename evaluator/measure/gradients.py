"""Statistics of the gradients of single items: Fisher information, and the votes of RCP-Merging.

Gradients are squared item by item: the square of a batch's gradient is not Fisher information. Each
gradient is used up and freed as soon as it is made, so that besides the model only the sums are
held: four bytes an element for each kind, two for votes.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from speciate.errors import EvaluationError
from speciate.evaluator.measure import Labels
from speciate.evaluator.measure.model import Measured, hooks


class Sums(Protocol):
    """One kind of statistic of all parameters, added up over items.

    Attributes:
        labels: Which it asks for; None leaves it to the settings.
        dtype: Of what is stored.
    """

    labels: Labels | None
    dtype: torch.dtype

    def add(self, parameter: nn.Parameter, gradient: Tensor, tokens: int) -> None:
        """Takes one item's gradient of the summed loss over `tokens` predicted tokens."""

    def result(self, parameter: nn.Parameter, items: int) -> Tensor:
        """The statistic, of the shape of the parameter."""


class Fisher:
    """Mean over items of g^2, g the gradient of the item's summed log-likelihood."""

    labels: Labels | None = None
    dtype = torch.float32

    def __init__(self) -> None:
        """Starts from nothing."""
        self._sums: dict[nn.Parameter, Tensor] = {}

    def add(self, parameter: nn.Parameter, gradient: Tensor, tokens: int) -> None:
        """See `Sums.add`."""
        whole = self._sums.setdefault(parameter, torch.zeros_like(gradient))
        whole.add_(self._term(parameter, gradient, tokens).square_())

    def _term(self, parameter: nn.Parameter, gradient: Tensor, tokens: int) -> Tensor:
        return gradient.clone()

    def result(self, parameter: nn.Parameter, items: int) -> Tensor:
        """See `Sums.result`; 0 for parameters without gradient."""
        whole = self._sums.pop(parameter, None)
        return torch.zeros_like(parameter) if whole is None else whole / items


class FisherWeighted(Fisher):
    """Mean over items of (g theta)^2, g the gradient of the mean loss over an item's tokens.

    This is what RCP-Merging calls Fisher information. The labels are the text's.
    """

    labels: Labels | None = "empirical"

    def _term(self, parameter: nn.Parameter, gradient: Tensor, tokens: int) -> Tensor:
        return gradient * parameter.detach() / tokens


class RcpVotes:
    """For each element, items that vote to move it towards the domain less those that do not.

    An item votes for it if g theta + lambda F (theta_R - theta)^2 <= 0, where g is the gradient of
    its mean loss, theta and theta_R are the weights of the domain and of the reasoning model, and F
    is the reasoning model's fisher_weighted. Votes are counted at once: no item is kept.
    """

    labels: Labels | None = "empirical"
    dtype = torch.int16

    def __init__(self, penalty: Callable[[nn.Parameter], Tensor]) -> None:
        """Takes lambda F (theta_R - theta)^2 of each parameter."""
        self._penalty = penalty
        self._penalties: dict[nn.Parameter, Tensor] = {}
        self._votes: dict[nn.Parameter, Tensor] = {}

    def add(self, parameter: nn.Parameter, gradient: Tensor, tokens: int) -> None:
        """See `Sums.add`."""
        if parameter not in self._votes:
            self._votes[parameter] = torch.zeros_like(gradient, dtype=self.dtype)
            self._penalties[parameter] = self._penalty(parameter)
        score = (gradient * parameter.detach() / tokens).add_(self._penalties[parameter])
        self._votes[parameter] += torch.where(score <= 0, 1, -1).to(self.dtype)

    def result(self, parameter: nn.Parameter, items: int) -> Tensor:
        """See `Sums.result`; a parameter without gradient has no votes."""
        self._penalties.pop(parameter, None)
        votes = self._votes.pop(parameter, None)
        return torch.zeros_like(parameter, dtype=self.dtype) if votes is None else votes


class OutputSums:
    """Gram matrices of the gradients of linear layers' outputs: (out, out), mean over tokens.

    With those of the inputs they are the Kronecker factors of K-FAC.
    """

    def __init__(self, layers: Mapping[str, nn.Linear]) -> None:
        """Takes the layers by the name of their weight."""
        self._layers = layers
        self._sums: dict[str, Tensor] = {}
        self._rows = dict.fromkeys(layers, 0)

    def watch(self) -> list[object]:
        """Puts hooks on the layers."""
        return [
            layer.register_forward_hook(partial(self._hook, name))
            for name, layer in self._layers.items()
        ]

    def _hook(self, name: str, _: nn.Module, __: object, output: Tensor) -> None:
        output.register_hook(partial(self._add, name))  # type: ignore[no-untyped-call]

    def _add(self, name: str, gradient: Tensor) -> None:
        rows = gradient.detach().reshape(-1, gradient.shape[-1])
        part = (rows.T @ rows).double()
        self._sums[name] = self._sums[name] + part if name in self._sums else part
        self._rows[name] += len(rows)

    def means(self) -> Iterator[tuple[str, Tensor]]:
        """Weight and float32 mean; 0 for layers that no token reached."""
        for name, layer in self._layers.items():
            size = layer.out_features
            whole = self._sums.pop(name, None)
            zero = torch.zeros(size, size)
            yield name, zero if whole is None else (whole / self._rows[name]).float()


class Pass:
    """Backward passes over items, one by one, which hand each gradient to the sums."""

    def __init__(
        self, model: Measured, sums: Mapping[str, Sums], outputs: OutputSums | None
    ) -> None:
        """Takes sums by kind, all of the same labels."""
        self._model = model
        self._sums = sums
        self._outputs = outputs
        self._tokens = 1

    def run(self, losses: Iterator[tuple[Tensor, int]]) -> None:
        """Draws losses, each with its number of predicted tokens, and goes back from each.

        Raises:
            EvaluationError: A loss is not finite.
        """
        try:
            with hooks() as handles:
                for parameter in self._model.names:
                    parameter.requires_grad_(True)
                    handles.append(_when_made(parameter, self._take))
                handles += self._outputs.watch() if self._outputs else []
                for loss, self._tokens in losses:
                    if not bool(loss.isfinite()):
                        raise EvaluationError("the model gives a text no finite likelihood")
                    loss.backward()  # type: ignore[no-untyped-call]
        finally:
            self._model.module.requires_grad_(False)

    def _take(self, parameter: Tensor) -> None:
        assert isinstance(parameter, nn.Parameter)  # noqa: S101
        gradient, parameter.grad = parameter.grad, None
        if gradient is not None:
            for sums in self._sums.values():
                sums.add(parameter, gradient, self._tokens)


def _when_made(parameter: nn.Parameter, take: Callable[[Tensor], None]) -> object:
    handle: object = parameter.register_post_accumulate_grad_hook(take)  # type: ignore[no-untyped-call]
    return handle
