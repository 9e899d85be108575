"""Runs a model over the texts of a task and writes what was measured to a new folder.

Held in memory besides the model (float32) and the activations of one text: for kinds made of
inputs, float64 sums of as many layers as `memory_gib` allows, the rest waiting for another pass;
for kinds made of gradients, the sums of the whole model, kind by kind of labels.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
import transformers
from torch import Tensor, nn

from speciate.evaluator.measure import (
    ABOUT,
    FILE,
    GRADIENT_KINDS,
    INPUT_KINDS,
    Labels,
    Settings,
)
from speciate.evaluator.measure import inputs as of_inputs
from speciate.evaluator.measure.gradients import (
    Fisher,
    FisherWeighted,
    OutputSums,
    Pass,
    RcpVotes,
    Sums,
)
from speciate.evaluator.measure.inputs import InputSums
from speciate.evaluator.measure.labels import loss
from speciate.evaluator.measure.model import Measured, Stored, load
from speciate.evaluator.measure.prior import penalties
from speciate.evaluator.measure.texts import Texts, read
from speciate.evaluator.measure.writer import Plan, Writer, file_digest, new_folder
from speciate.evaluator.tokenizer import Tokenizer

Progress = Callable[[int, int], None]


def collect(
    model: Path,
    task: Path,
    out: Path,
    settings: Settings = Settings(),  # noqa: B008, frozen
    progress: Progress = lambda _, __: None,
) -> str:
    """Measures a model on the texts of a task.

    Args:
        model: Its folder.
        task: JSONL file of items of any kind.
        out: New folder for `statistics.safetensors`, whose tensors are called by weight and kind,
            as in `model.norm.weight.fisher`, and `statistics.json`; complete or not at all.
        settings: Kinds, and how many items.
        progress: Told how many items were run, over all passes, and of how many.

    Returns:
        SHA-256 of the safetensors file.

    Raises:
        ConfigError: The settings cannot be carried out.
        ModelError: The model, or that which votes need, cannot be loaded.
        TaskError: The task file has no items to run.
        UsageError: `out` exists already.
        DiskError: `out` cannot be written.
        EvaluationError: The model gives values that are not finite.
    """
    settings.check()
    measured = load(model, settings.device)
    texts = read(task, Tokenizer(model), settings)
    with new_folder(out) as folder:
        job = _Job(measured, texts, settings, progress)
        with Writer(folder / FILE, job.plan()) as writer:
            job.run(writer.write)
        digest = file_digest(folder / FILE)
        text = json.dumps(_about(job) | {"digest": digest}, indent=2, sort_keys=True)
        (folder / ABOUT).write_text(text + "\n", encoding="utf-8")
    return digest


class _Job:
    """One collection: which passes there are, and what they write."""

    def __init__(
        self, model: Measured, texts: Texts, settings: Settings, progress: Progress
    ) -> None:
        self.model = model
        self.texts = texts
        self.settings = settings
        self._progress = progress
        self._inputs = [kind for kind in INPUT_KINDS if kind in settings.kinds]
        self._gradients = [kind for kind in GRADIENT_KINDS if kind in settings.kinds]
        self._outputs = _without_head(model) if "gram_out" in settings.kinds else {}
        limit = settings.memory_gib * 2**30
        self._runs = of_inputs.batches(model.linear, self._inputs, limit) if self._inputs else []
        self._sums = {kind: self._made(kind) for kind in self._gradients if kind != "gram_out"}
        self._done = 0

    def _made(self, kind: str) -> Sums:
        if kind == "rcp_votes":
            return RcpVotes(penalties(self.model, self.settings.prior))
        return Fisher() if kind == "fisher" else FisherWeighted()

    def plan(self) -> Plan:
        """Names, types and shapes of all that will be written."""
        plan = {
            f"{name}.{kind}": (torch.float32, of_inputs.shape(kind, layer))
            for name, layer in self.model.linear.items()
            for kind in self._inputs
        }
        for name, layer in self._outputs.items():
            plan[f"{name}.gram_out"] = (torch.float32, (layer.out_features,) * 2)
        for kind, sums in self._sums.items():
            for parameter, names in self.model.names.items():
                shape = tuple(parameter.shape)
                plan |= {f"{name}.{kind}": (sums.dtype, shape) for name in names}
        return plan

    def run(self, write: Callable[[str, Tensor], None]) -> None:
        """All passes."""
        for run in self._runs:
            layers = {name: self.model.linear[name] for name in run}
            sums = InputSums(layers, self._inputs)
            sums.watch(self._forward)
            for name, kind, values in sums.means():
                write(f"{name}.{kind}", values)
        for labels in self._labels():
            self._backward(labels, write)

    def _labels(self) -> list[Labels]:
        """Which labels are needed, once each."""
        asked = [sums.labels or self.settings.labels for sums in self._sums.values()]
        return list(dict.fromkeys([*asked, *([self.settings.labels] if self._outputs else [])]))

    @torch.inference_mode()
    def _forward(self) -> None:
        for text in self.texts.items:
            self.model.logits(text.tokens)
            self._tick()

    def _backward(self, labels: Labels, write: Callable[[str, Tensor], None]) -> None:
        own = self.settings.labels
        sums = {kind: one for kind, one in self._sums.items() if (one.labels or own) == labels}
        outputs = OutputSums(self._outputs) if self._outputs and labels == own else None
        Pass(self.model, sums, outputs).run(self._losses(labels))
        for kind, one in sums.items():
            for parameter, names in self.model.names.items():
                values = one.result(parameter, len(self.texts.items))
                for name in names:
                    write(f"{name}.{kind}", values)
        for name, values in outputs.means() if outputs else ():
            write(f"{name}.gram_out", values)

    def _losses(self, labels: Labels) -> Iterator[tuple[Tensor, int]]:
        for text in self.texts.items:
            logits = self.model.logits(text.tokens)
            yield loss(logits, text, labels, self.settings.seed), len(text.tokens) - text.start
            self._tick()

    @property
    def passes(self) -> int:
        """How often all texts are run."""
        return len(self._runs) + len(self._labels())

    def _tick(self) -> None:
        self._done += 1
        self._progress(self._done, self.passes * len(self.texts.items))


def _without_head(model: Measured) -> Mapping[str, nn.Linear]:
    """Linear layers but that of the vocabulary, whose square no memory holds."""
    head = model.module.get_output_embeddings()
    return {name: layer for name, layer in model.linear.items() if layer is not head}


def _about(job: _Job) -> dict[str, object]:
    """All that the statistics depend on; no paths and no times."""
    settings, texts = job.settings, job.texts.items
    prior = settings.prior
    return {
        "format": 1,
        "model": job.model.stored.digest(),
        "task": job.texts.digest,
        "kinds": sorted(settings.kinds),
        "items": len(texts),
        "left_out": job.texts.left_out,
        "tokens": sum(len(text.tokens) for text in texts),
        "predicted": sum(len(text.tokens) - text.start for text in texts),
        "max_tokens": settings.max_tokens,
        "labels": settings.labels,
        "seed": settings.seed,
        "chat": settings.chat,
        "device": job.model.device.type,
        "prior": prior
        and {
            "model": Stored(prior.model).digest(),
            "statistics": Stored(prior.statistics).digest(),
            "penalty": prior.penalty,
        },
        "software": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
