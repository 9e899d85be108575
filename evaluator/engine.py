"""The vLLM engine: it starts once, and every candidate enters by weight swap.

The only module that imports vllm.
"""

import logging
import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from speciate.configs.schema import Vllm
from speciate.errors import EvaluationError
from speciate.evaluator import Sampling, Tokens
from speciate.evaluator.lora import Loaded, room, settings_of
from speciate.evaluator.parts import PART, Named, in_parts
from speciate.evaluator.tokenizer import frame_digest

# What vLLM raises when it cannot do what was asked; its own error classes derive from these.
_TROUBLE = (RuntimeError, ValueError, KeyError, OSError, AssertionError)


def _import_vllm(config: Vllm) -> Any:  # noqa: ANN401
    """The module, imported under the settings that it reads from the environment.

    Without a process of its own, the engine sees all requests of a call before its first step, so
    batches, and with them the last bits of every score, do not depend on timing.
    """
    settings = {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_KVCACHE_SPACE": f"{config.memory_gib:g}",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_LOGGING_LEVEL": os.environ.get("VLLM_LOGGING_LEVEL", "ERROR"),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    os.environ.update(settings)
    logging.getLogger("vllm").setLevel(settings["VLLM_LOGGING_LEVEL"])
    try:
        import vllm
    except ImportError as exc:
        raise EvaluationError(
            f"vllm cannot be imported ({exc}); install speciate[cpu] or speciate[gpu], or set "
            f'engine.type = "transformers"'
        ) from exc
    return vllm


class VllmEngine:
    """Implements `Engine` with one `vllm.LLM` for the life of the object."""

    def __init__(self, config: Vllm, frame: Path, seed: int = 0) -> None:
        """Starts the engine on the model folder `frame`: 17 to 25 s on two CPU cores.

        Raises:
            EvaluationError: vLLM is not installed or does not start.
        """
        vllm = _import_vllm(config)
        self._sampling: Any = vllm.SamplingParams
        try:
            self._llm: Any = vllm.LLM(
                model=str(frame),
                dtype=config.dtype,
                seed=seed,
                max_model_len=config.max_model_len,
                max_num_seqs=config.max_num_seqs,
                tensor_parallel_size=config.tensor_parallel,
                gpu_memory_utilization=config.gpu_memory_utilization,
                # Cached blocks of an earlier candidate or call would change what is computed.
                enable_prefix_caching=False,
                enforce_eager=True,
                disable_log_stats=True,
                use_tqdm_on_load=False,
                **settings_of(config),
            )
        except _TROUBLE as exc:
            raise EvaluationError(f"vLLM does not start on {frame}: {exc}") from exc
        self._adapters = Loaded(self._llm.llm_engine, vllm.lora.request.LoRARequest)
        self.starts = 1
        # vLLM always generates at least one token, also when only the prompt is scored.
        self.limit = int(self._llm.llm_engine.model_config.max_model_len) - 1
        platform = vllm.platforms.current_platform
        self._on_cpu = platform.is_cpu()
        self._workers = config.tensor_parallel
        self.fingerprint = (
            f"vllm {vllm.__version__}, torch {_torch_version()}, {config.dtype}, "
            f"{platform.device_name}, {config.max_num_seqs} sequences, "
            f"frame {frame_digest(frame)[:12]}{room(config)}"
        )

    def load(self, model: Path) -> None:
        """See `Engine.load`; about 0.02 s for a model of 2.4 million parameters."""
        try:
            # Opened first: a reload that breaks off in a bad file leaves the model half loaded.
            for file in sorted(model.glob("*.safetensors")):
                with safe_open(file, framework="pt") as opened:
                    opened.keys()
            _swap(self._llm, self._on_cpu, lambda: _reload(self._llm, weights_path=str(model)))
        except (*_TROUBLE, SafetensorError) as exc:
            raise _cannot_load(exc) from exc

    def load_tensors(self, tensors: Iterable[Named]) -> None:
        """See `Engine.load_tensors`.

        The workers of a model that is split are processes of their own. They get the tensors in
        parts, as by vLLM's own transfer of weights from a trainer, so that what a stream computes
        is computed once, here. (Seen to work with two CPU workers; no GPU was at hand.)
        """
        raised: list[Exception] = []
        with closing(_watched(tensors, raised)) as stream:
            try:
                fill = _send if self._workers > 1 else _take
                _swap(self._llm, self._on_cpu, lambda: fill(self._llm, stream))
            except _TROUBLE as exc:
                if exc in raised:
                    raise
                raise _cannot_load(exc) from exc

    def load_adapters(self, adapters: Sequence[Path | None]) -> None:
        """See `Engine.load_adapters`; about 2 ms each for rank 8 on 2.4 million parameters."""
        try:
            self._adapters.replace(adapters)
        except Exception as exc:  # What vLLM raises of adapters has no class in common.
            raise EvaluationError(f"vLLM cannot load the adapter ({type(exc).__name__})") from exc

    def logprobs(
        self, sequences: Sequence[Tokens], models: Sequence[int] = ()
    ) -> list[NDArray[np.float64]]:
        """See `Engine.logprobs`."""
        settings = self._sampling(
            temperature=0, max_tokens=1, prompt_logprobs=0, flat_logprobs=True, detokenize=False
        )
        outputs = self._run(sequences, settings, models)
        return [np.asarray(output.prompt_logprobs.logprobs, np.float64) for output in outputs]

    def generate(
        self, prompts: Sequence[Tokens], settings: Sampling, models: Sequence[int] = ()
    ) -> list[list[int]]:
        """See `Engine.generate`."""
        found = self._run(prompts, self._requested(settings), models)
        outputs = [output.outputs[0] for output in found]
        return [_without_end(list(output.token_ids), output) for output in outputs]

    def _requested(self, settings: Sampling) -> Any:  # noqa: ANN401
        """Settings of vLLM: the same for all prompts, or, since seeds differ, one a prompt."""
        greedy = self._sampling(temperature=0, max_tokens=settings.max_tokens, detokenize=False)
        if settings.temperature == 0:
            return greedy
        return [
            self._sampling(
                temperature=settings.temperature,
                top_p=settings.top_p,
                seed=seed,
                max_tokens=settings.max_tokens,
                detokenize=False,
            )
            for seed in settings.seeds
        ]

    def _run(self, prompts: Sequence[Tokens], settings: object, models: Sequence[int]) -> list[Any]:
        requests = [{"prompt_token_ids": list(prompt)} for prompt in prompts]
        worn = self._adapters.of(models)
        try:
            found = self._llm.generate(requests, settings, use_tqdm=False, lora_request=worn)
            return list(found)
        except _TROUBLE as exc:
            raise EvaluationError(f"vLLM failed on a batch ({type(exc).__name__})") from exc

    def close(self) -> None:
        """See `Engine.close`."""
        self._llm.llm_engine.engine_core.shutdown()
        del self._llm


def _cannot_load(exc: Exception) -> EvaluationError:
    return EvaluationError(f"vLLM cannot load the weights ({type(exc).__name__})")


def _watched(tensors: Iterable[Named], raised: list[Exception]) -> Generator[Named, None, None]:
    """The same stream; what it raises itself is told from what vLLM raises."""
    try:
        yield from tensors
    except Exception as exc:
        raised.append(exc)
        raise


def _swap(llm: Any, on_cpu: bool, fill: Callable[[], object]) -> None:  # noqa: ANN401
    """Replaces all weights by `fill`, and makes good what vLLM leaves undone.

    On a CPU, vLLM multiplies by packed copies of the matrices. `reload_weights` renews them with
    the layers that it loads, but two kinds would be left wrong without a word, and are packed here
    (seen in vLLM 0.32.0). Elsewhere nothing is packed, and CUDA graphs may hold the kernels.
    """
    if on_cpu:
        llm.apply_model(_unset_experts)
    try:
        fill()
    except Exception:
        # Layers that got only some of their tensors would count them among the next model's.
        llm.collective_rpc(_end)
        raise
    if on_cpu:
        llm.apply_model(_pack_heads)


def _reload(llm: Any, **source: object) -> None:  # noqa: ANN401
    llm.collective_rpc("reload_weights", kwargs=source)


def _take(llm: Any, tensors: Iterable[Named]) -> None:  # noqa: ANN401
    """Loads a stream into the one worker, which is in this process."""
    _reload(llm, weights_iterator=tensors)


def _send(llm: Any, tensors: Iterable[Named]) -> None:  # noqa: ANN401
    """Loads a stream into workers that are other processes."""
    llm.collective_rpc(_begin)
    for part in in_parts(tensors, PART):
        llm.collective_rpc(_add, args=(part,))
    llm.collective_rpc(_end)


def _begin(worker: Any) -> None:  # noqa: ANN401
    """In a worker: gets ready for the tensors of another model."""
    from vllm.model_executor.model_loader.reload import initialize_layerwise_reload

    with _context(worker):
        initialize_layerwise_reload(worker.get_model())


def _add(worker: Any, part: dict[str, Tensor]) -> None:  # noqa: ANN401
    """In a worker: takes its share of some tensors."""
    with _context(worker):
        worker.get_model().load_weights(iter(part.items()))


def _end(worker: Any) -> None:  # noqa: ANN401
    """In a worker: finishes layers that may still wait for tensors."""
    from vllm.model_executor.model_loader.reload import finalize_layerwise_reload

    with _context(worker):
        finalize_layerwise_reload(worker.get_model(), worker.model_config)


def _context(worker: Any) -> AbstractContextManager[Any]:  # noqa: ANN401
    from vllm.config import set_current_vllm_config

    context: AbstractContextManager[Any] = set_current_vllm_config(worker.vllm_config)
    return context


def _unset_experts(model: Any) -> None:  # noqa: ANN401
    """Forgets the kernels of experts, which are packed only when their kernel is made.

    Reloaded under a kernel that is there already, they would stay unpacked and be read as packed.
    """
    from vllm.model_executor.layers.fused_moe import UnquantizedFusedMoEMethod

    for module in model.modules():
        method = getattr(module, "quant_method", None)
        if isinstance(method, UnquantizedFusedMoEMethod):
            method.moe_kernel = None


def _pack_heads(model: Any) -> None:  # noqa: ANN401
    """Packs output heads from their new weights.

    A head tied to the embedding is not loaded under its own name, and would go on answering with
    the first model's weights.
    """
    from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead

    for module in model.modules():
        if isinstance(module, ParallelLMHead):
            module.quant_method.process_weights_after_loading(module)


def _without_end(tokens: list[int], output: Any) -> list[int]:  # noqa: ANN401
    """The answer without the end-of-text token that closed it."""
    ended = output.finish_reason == "stop" and output.stop_reason is None
    return tokens[:-1] if ended or output.stop_reason in tokens[-1:] else tokens


def _torch_version() -> str:
    import torch

    return torch.__version__
