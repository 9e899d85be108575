"""RegMean++ (arXiv 2508.03121): RegMean whose statistics come through what is already merged.

It needs the data at merge time, since the statistics of a block depend on the merge of the blocks
before, and so it is no operator on a locus but a walk through the model, block by block.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from speciate.configs.operators.statistics import RegMean
from speciate.errors import ConfigError
from speciate.evaluator.measure import Settings
from speciate.evaluator.measure.blocks import Blocks
from speciate.evaluator.measure.inputs import InputSums
from speciate.evaluator.measure.model import load
from speciate.evaluator.measure.texts import Text, read
from speciate.evaluator.tokenizer import Tokenizer
from speciate.population.compatibility import check_compatible
from speciate.population.frame import frame_like, new_model
from speciate.population.operators.operator import Locus
from speciate.population.operators.statistics import regmean
from speciate.population.randomness import stream
from speciate.population.safetensors_writer import Writer
from speciate.population.structure import Structure
from speciate.population.weights import Checkpoint

Progress = Callable[[int, int], None]
# By the name of a linear layer's weight, one mapping a model.
Grams = Sequence[Mapping[str, Tensor]]


def regmean_plus_plus(
    models: Sequence[Path],
    tasks: Sequence[Path],
    out: Path,
    parameters: RegMean = RegMean(),  # noqa: B008, frozen
    settings: Settings = Settings(kinds=("gram",)),  # noqa: B008, frozen
    dtype: str | None = None,
    progress: Progress = lambda _, __: None,
) -> str:
    """Merges models of one architecture, each of which knows its own task.

    Held in memory: one model in float32, what the present block made of every text, and the Gram
    matrices of one block for every model.

    Args:
        models: Their folders.
        tasks: A JSONL file of items for each model.
        out: The new model folder; it appears complete or not at all.
        parameters: Of RegMean.
        settings: How many items, how long, and where they are run.
        dtype: float32, bfloat16 or float16; None keeps the first model's.
        progress: Told how many items were run, and of how many.

    Returns:
        The digest of the weights.

    Raises:
        ConfigError: There is not one task a model, or weights or settings do not fit.
        ModelError: A model is damaged, does not fit the others, or has no list of blocks.
        TaskError: A task file has no items to run.
        UsageError: `out` exists already.
        DiskError: `out` cannot be written.
    """
    settings.check()
    if len(models) != len(tasks):
        raise ConfigError(f"{len(tasks)} tasks given for {len(models)} models; give one a model")
    if not models:
        raise ConfigError("no models given; give one or more")
    regmean.check(parameters, len(models))
    parents = [Checkpoint(path) for path in models]
    check_compatible({parent.label: parent for parent in parents})
    texts = [
        read(task, Tokenizer(model), settings).items
        for model, task in zip(models, tasks, strict=True)
    ]
    with new_model(out, frame_like(parents[0], dtype)) as writer:
        blocks = Blocks(load(models[0], settings.device))
        _Walk(parents, parameters, texts, blocks, writer, progress).run()
        return writer.digest()


class _Walk:
    """From the embeddings through the blocks to the head, merging on the way."""

    def __init__(
        self,
        parents: Sequence[Checkpoint],
        parameters: RegMean,
        texts: Sequence[Sequence[Text]],
        blocks: Blocks,
        writer: Writer,
        progress: Progress,
    ) -> None:
        self._parents = parents
        self._parameters = parameters
        self._texts = texts
        self._blocks = blocks
        self._writer = writer
        self._progress = progress
        self._structure = Structure(parents[0].names)
        # What the last merged block made of each text, by model.
        self._cached: list[list[Any]] = [[None] * len(one) for one in texts]
        self._done = 0

    def run(self) -> None:
        """Embeddings and final norms first, then block by block, and the head at last."""
        inside = [self._blocks.names(block) for block in range(len(self._blocks))]
        head = self._blocks.head()
        late = {name for names in inside for name in names} | set(head)
        self._merge((name for name in self._parents[0].names if name not in late), ())
        for block, names in enumerate(inside):
            self._merge(names, [self._grams(block, model) for model in range(len(self._parents))])
            self._advance(block)
        if head:
            end = len(self._blocks)
            self._merge(head, [self._grams(end, model) for model in range(len(self._parents))])

    def _grams(self, block: int, model: int) -> dict[str, Tensor]:
        """Of the inputs of a model's own block, on its own texts, behind the merged blocks."""
        end = block == len(self._blocks)
        layers = self._blocks.head() if end else self._blocks.linear(block)
        for name in () if end else self._blocks.names(block):
            self._blocks.load(name, self._parents[model].tensor(name))
        sums = InputSums(layers, ("gram",))
        sums.watch(lambda: self._run(block, model))
        return {name: gram.cpu() for name, _, gram in sums.means()}

    def _run(self, block: int, model: int) -> list[Any]:
        pairs = zip(self._texts[model], self._cached[model], strict=True)
        return [self._tick(self._blocks.run(text, block, before)) for text, before in pairs]

    def _advance(self, block: int) -> None:
        """Takes every text through the block that was just merged."""
        self._cached = [self._run(block, model) for model in range(len(self._parents))]

    def _merge(self, names: Iterable[str], grams: Grams) -> None:
        for name in names:
            stored = [parent.tensor(name) for parent in self._parents]
            if not stored[0].is_floating_point():
                self._writer.write(name, stored[0])
                continue
            tensors = tuple(tensor.float() for tensor in stored)
            merged = regmean.merge(self._locus(name, tensors, grams), self._parameters, None)
            self._writer.write(name, merged)
            self._blocks.load(name, merged)

    def _locus(self, name: str, tensors: tuple[Tensor, ...], grams: Grams) -> Locus:
        return Locus(
            self._structure.place(name),
            0,
            {"model": tensors},
            lambda number: stream(0, str(number)),
            lambda model, _: grams[model].get(name) if grams else None,
        )

    def _tick(self, output: Any) -> Any:  # noqa: ANN401
        self._done += 1
        passes = 2 * len(self._blocks) + bool(self._blocks.head())
        self._progress(self._done, passes * sum(len(one) for one in self._texts))
        return output
