"""Adapters on a model in this process: each is added to the weights while it is asked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from safetensors.torch import load_file
from torch import Tensor

from speciate.configs.adapter import CONFIG, AdapterConfig

T = TypeVar("T")
_PREFIX, _A, _B = "base_model.model.", ".lora_A.weight", ".lora_B.weight"


class Adapters:
    """The adapters of a model; while none is asked, its weights are those of the base."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401
        """Takes a model of transformers."""
        self._model = model
        self._present: list[dict[str, Tensor]] = [{}]

    def replace(self, folders: Sequence[Path | None]) -> None:
        """Drops all, and reads these.

        Raises:
            RuntimeError: An update is of no module of the model.
        """
        self._present = [_updates(folder) if folder else {} for folder in folders]
        shapes = {name: one.shape for name, one in self._model.named_parameters()}
        for updates in self._present:
            for module, update in updates.items():
                if shapes.get(f"{module}.weight") != update.shape:
                    raise RuntimeError(f"{module} is not of the model")

    def in_turn(
        self, models: Sequence[int], count: int, ask: Callable[[Sequence[int]], Sequence[T]]
    ) -> list[T]:
        """Asks one model after another what is for it.

        Args:
            models: Of each question; the first if not given.
            count: Of questions.
            ask: Answers the questions of these numbers by the model as it is then.

        Returns:
            An answer a question.
        """
        found: dict[int, T] = {}
        of = models or [0] * count
        for model in sorted(set(of)):
            part = [number for number in range(count) if of[number] == model]
            with self._worn(self._present[model]):
                found.update(zip(part, ask(part), strict=True))
        return [found[number] for number in range(count)]

    @contextmanager
    def _worn(self, updates: Mapping[str, Tensor]) -> Iterator[None]:
        """The model with its updates, and then again as it was, to the last bit."""
        weights = {module: self._model.get_submodule(module).weight for module in updates}
        before = {module: weight.data for module, weight in weights.items()}
        try:
            for module, weight in weights.items():
                added = weight.data.float() + updates[module].to(weight.device)
                weight.data = added.to(weight.dtype)
            yield
        finally:
            for module, weight in weights.items():
                weight.data = before[module]


def _updates(folder: Path) -> dict[str, Tensor]:
    """The update s B A of each linear module as its weight is stored, float32."""
    config = AdapterConfig.model_validate_json((folder / CONFIG).read_bytes())
    tensors = load_file(folder / "adapter_model.safetensors")
    found = {}
    for key, a in tensors.items():
        if key.endswith(_A):
            module = key.removeprefix(_PREFIX).removesuffix(_A)
            b = tensors[key.removesuffix(_A) + _B]
            update = config.scale(module) * (b.double() @ a.double()).float()
            found[module] = update.T if config.fan_in_fan_out else update
    return found
