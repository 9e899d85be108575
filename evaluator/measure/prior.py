"""What the votes of RCP-Merging weigh a domain model against: a reasoning model as the prior."""

from collections.abc import Callable

from torch import Tensor, nn

from speciate.errors import ModelError
from speciate.evaluator.measure import Prior
from speciate.evaluator.measure.model import Measured, Stored


def penalties(model: Measured, prior: Prior | None) -> Callable[[nn.Parameter], Tensor]:
    """Of each parameter, lambda F (theta_R - theta)^2.

    Raises:
        ModelError: The reasoning model or its statistics lack something.
    """
    assert prior is not None  # noqa: S101, see Settings.check
    reasoning, statistics = Stored(prior.model), Stored(prior.statistics)
    for names in model.names.values():
        for name in names[:1]:
            _check_has(reasoning, name)
            _check_has(statistics, f"{name}.fisher_weighted")

    def penalty(parameter: nn.Parameter) -> Tensor:
        name = model.names[parameter][0]
        other = reasoning.tensor(name).to(model.device).float()
        fisher = statistics.tensor(f"{name}.fisher_weighted").to(model.device)
        if not other.shape == fisher.shape == parameter.shape:
            raise ModelError(
                f"{prior.model}: {name} has another shape than in the domain model; "
                "both must be of one architecture"
            )
        return (other - parameter.detach()).square_().mul_(fisher).mul_(prior.penalty)

    return penalty


def _check_has(stored: Stored, name: str) -> None:
    if name not in stored.names:
        raise ModelError(f"{stored.folder}: has no tensor {name}; give another folder")
