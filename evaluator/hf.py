"""The embedded engine: transformers in this process; also the reference for the vLLM engine."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    GenerationConfig,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)
from transformers.conversion_mapping import get_model_conversion_mapping

from speciate.configs.schema import Transformers
from speciate.errors import ConfigError, EvaluationError
from speciate.evaluator import Sampling, Tokens
from speciate.evaluator.adapters import Adapters
from speciate.evaluator.parts import PART, in_parts
from speciate.evaluator.tokenizer import frame_digest


class TransformersEngine:
    """Implements `Engine` with a model of transformers on one device."""

    def __init__(self, config: Transformers, frame: Path) -> None:
        """Builds the model of the folder `frame`; later models only replace its weights.

        Raises:
            ConfigError: This machine has no such device.
        """
        self._config = config
        transformers.logging.disable_progress_bar()
        self._model: Any = AutoModelForCausalLM.from_pretrained(
            frame, dtype=getattr(torch, config.dtype), local_files_only=True
        )
        try:
            self._model.to(config.device).eval()
        except (RuntimeError, AssertionError) as exc:  # torch asserts that it was built for CUDA
            raise ConfigError(
                f"engine.device: '{config.device}' cannot be used ({exc}); use cpu, or a device "
                "that torch sees on this machine"
            ) from exc
        # Names alone do not tell: some conversions transpose a tensor and leave its name.
        self._converts = bool(get_model_conversion_mapping(self._model, add_legacy=False))
        self._adapters = Adapters(self._model)
        self.starts = 1
        self.limit = int(self._model.config.max_position_embeddings)
        self.fingerprint = (
            f"transformers {transformers.__version__}, torch {torch.__version__}, {config.dtype}, "
            f"{torch.device(config.device).type}, frame {frame_digest(frame)[:12]}"
        )

    def load(self, model: Path) -> None:
        """See `Engine.load`; about 0.02 s more where tensors are converted."""
        with _translated():
            stored = _stored(model)
        self._replace([stored])

    def load_tensors(self, tensors: Iterable[tuple[str, Tensor]]) -> None:
        """See `Engine.load_tensors`; where tensors are converted, all must fit into memory."""
        with closing(in_parts(tensors, None if self._converts else PART)) as parts:
            self._replace(parts)

    def load_adapters(self, adapters: Sequence[Path | None]) -> None:
        """See `Engine.load_adapters`; each is added to the model's weights while it is asked."""
        with _translated("adapter"):
            self._adapters.replace(adapters)

    def _replace(self, parts: Iterable[dict[str, Tensor]]) -> None:
        """Copies all tensors of a model, which come in parts, over those of the last."""
        self._adapters.replace([None])
        missing, unexpected = set(self._model.state_dict()), set[str]()
        for part in parts:
            with _translated():
                state = self._converted(part) if self._converts else part
                lacking, extra = self._model.load_state_dict(state, strict=False)
            missing &= set(lacking)
            unexpected |= set(extra)
        tied = set(getattr(self._model, "all_tied_weights_keys", None) or ())
        _check_fit(missing - tied, unexpected)

    def _converted(self, stored: dict[str, Tensor]) -> dict[str, Tensor]:
        """The tensors as the model has them in memory, where for instance experts are fused.

        Only a model being built converts what is stored, so one is built, and lives until its
        tensors are copied.
        """
        fresh, report = type(self._model).from_pretrained(
            None,
            config=self._model.config,
            state_dict=stored,
            dtype=self._model.dtype,
            output_loading_info=True,
        )
        # What is missing was filled with random numbers.
        _check_fit(report["missing_keys"], report["unexpected_keys"])
        converted: dict[str, Tensor] = fresh.state_dict()
        return converted

    @torch.inference_mode()
    def logprobs(
        self, sequences: Sequence[Tokens], models: Sequence[int] = ()
    ) -> list[NDArray[np.float64]]:
        """See `Engine.logprobs`."""
        return self._adapters.in_turn(
            models, len(sequences), lambda part: self._read([sequences[n] for n in part])
        )

    def _read(self, sequences: Sequence[Tokens]) -> list[NDArray[np.float64]]:
        """Log-probabilities by the model as it is."""
        results: dict[int, NDArray[np.float64]] = {}
        for batch in self._batches(sequences):
            longest = max(len(sequences[index]) for index in batch)
            # Padding on the right: under a causal mask it cannot reach the tokens before it.
            tokens = torch.zeros(len(batch), longest, dtype=torch.long)
            for row, index in enumerate(batch):
                tokens[row, : len(sequences[index])] = torch.tensor(sequences[index])
            logits = self._model(tokens.to(self._config.device)).logits[:, :-1].float()
            targets = tokens[:, 1:, None].to(self._config.device)
            found = logits.log_softmax(-1).gather(-1, targets).squeeze(-1).cpu().double().numpy()
            for row, index in enumerate(batch):
                results[index] = found[row, : len(sequences[index]) - 1]
        return [results[index] for index in range(len(sequences))]

    @torch.inference_mode()
    def generate(
        self, prompts: Sequence[Tokens], settings: Sampling, models: Sequence[int] = ()
    ) -> list[list[int]]:
        """See `Engine.generate`."""
        draws: list[list[Any]] = [[] for _ in prompts]
        if settings.temperature > 0:
            draws = [_draw(settings, seed) for seed in settings.seeds]
        return self._adapters.in_turn(
            models,
            len(prompts),
            lambda part: [self._continue(prompts[n], settings.max_tokens, draws[n]) for n in part],
        )

    def _continue(self, prompt: Tokens, max_tokens: int, processors: Iterable[Any]) -> list[int]:
        """One at a time: answers must not depend on the padding of a batch."""
        eos = self._model.generation_config.eos_token_id
        ends = {eos} if isinstance(eos, int) else set(eos or ())
        tokens = torch.tensor([list(prompt)], device=self._config.device)
        settings = GenerationConfig(
            max_new_tokens=max_tokens, do_sample=False, eos_token_id=eos, pad_token_id=0
        )
        output = self._model.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            generation_config=settings,
            logits_processor=LogitsProcessorList(processors),
        )
        answer: list[int] = output[0, len(prompt) :].tolist()
        return answer[:-1] if answer and answer[-1] in ends else answer

    def _batches(self, sequences: Sequence[Tokens]) -> Iterator[list[int]]:
        """Indices of sequences of similar length, so that little is padded."""
        order = sorted(range(len(sequences)), key=lambda index: (len(sequences[index]), index))
        for start in range(0, len(order), self._config.batch_size):
            yield order[start : start + self._config.batch_size]

    def close(self) -> None:
        """See `Engine.close`."""
        del self._model


class _Noise:
    """Adds Gumbel noise to logits: the largest sum is then a draw from their softmax.

    So a draw is the greedy choice, and takes its random numbers from a generator of its own.
    """

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def __call__(self, tokens: Tensor, logits: Tensor) -> Tensor:
        """Logits (1, vocabulary) of the next token, with noise."""
        waits = torch.empty(logits.shape, dtype=torch.float64).exponential_(
            generator=self._generator
        )
        return logits - waits.log().to(logits)


def _draw(settings: Sampling, seed: int) -> list[Any]:
    """What makes a greedy choice a draw at a temperature from the likeliest tokens."""
    return [
        TemperatureLogitsWarper(float(settings.temperature)),
        TopPLogitsWarper(settings.top_p),
        _Noise(seed),
    ]


@contextmanager
def _translated(what: str = "weights") -> Iterator[None]:
    try:
        yield
    except (RuntimeError, OSError, SafetensorError) as exc:
        raise EvaluationError(
            f"transformers cannot load the {what} ({type(exc).__name__})"
        ) from exc


def _stored(model: Path) -> dict[str, Tensor]:
    """All tensors of a model folder under their stored names."""
    tensors = {}
    for file in sorted(model.glob("*.safetensors")):
        tensors.update(load_file(file))
    return tensors


def _check_fit(missing: set[str], unexpected: set[str]) -> None:
    if missing or unexpected:
        raise EvaluationError(
            f"weights do not fit: missing {sorted(missing)[:3]}, "
            f"unexpected {sorted(unexpected)[:3]}"
        )
