"""Adam ("A method for stochastic optimization", Kingma and Ba, 2014, arXiv 1412.6980)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

_DECAY, _SQUARE_DECAY, _EPSILON = 0.9, 0.999, 1e-8


def minimised(
    start: Tensor,
    gradient: Callable[[Tensor], Tensor],
    steps: int,
    learning_rate: float,
    project: Callable[[Tensor], Tensor] = lambda x: x,
) -> Tensor:
    """The point after so many steps of Adam, with its usual constants.

    Written out because `torch.optim` would load the compiler of torch in each worker.

    Args:
        start: Any shape; stays as it is.
        gradient: Of the loss at a point.
        steps: How many.
        learning_rate: About the length of a step in each element.
        project: Applied to the point after each step.
    """
    point = start
    mean, square = torch.zeros_like(start), torch.zeros_like(start)
    for step in range(1, steps + 1):
        slope = gradient(point)
        mean = mean * _DECAY + slope * (1 - _DECAY)
        square = square * _SQUARE_DECAY + slope * slope * (1 - _SQUARE_DECAY)
        deviation = square.sqrt() / math.sqrt(1 - _SQUARE_DECAY**step) + _EPSILON
        point = project(point - mean / deviation * (learning_rate / (1 - _DECAY**step)))
    return point
