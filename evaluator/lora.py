"""Adapters in a vLLM engine: loaded and dropped while it runs, several in one batch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speciate.configs.schema import Vllm

# Ranks that vLLM 0.32 makes room for (`MaxLoRARanks` in vllm/config/lora.py).
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


def settings_of(config: Vllm) -> dict[str, Any]:
    """With which vLLM is to start so that it takes adapters; nothing in campaigns of models.

    Modules are named, since an adapted output head, even an unused one, makes vLLM misread prompts
    (https://github.com/vllm-project/vllm/issues/51594). There is room for one adapter more than is
    ever loaded: where some prompts of a batch have none, vLLM 0.32 on a CPU gives them what lies in
    the last place, which so is always nothing.
    """
    if config.adapters is None:
        return {}
    return {
        "enable_lora": True,
        "max_loras": config.adapters + 1,
        "max_lora_rank": config.adapter_rank,
        "lora_target_modules": list(config.adapter_modules or ()),
    }


def room(config: Vllm) -> str:
    """What of the room for adapters a score may depend on."""
    if config.adapters is None:
        return ""
    return f", {config.adapters} adapters of rank {config.adapter_rank}"


class Loaded:
    """The adapters that an engine has now, in the order in which they were given."""

    def __init__(self, engine: Any, request: Any) -> None:  # noqa: ANN401
        """Takes vLLM's engine and its class of requests for adapters."""
        self._engine, self._request = engine, request
        self._count = 0
        self._present: list[Any] = [None]

    def replace(self, adapters: Sequence[Path | None]) -> None:
        """Drops all, and loads these."""
        while self._present:
            if (old := self._present.pop()) is not None:
                self._engine.remove_lora(old.lora_int_id)
        for folder in adapters:
            self._present.append(folder and self._added(folder))

    def of(self, models: Sequence[int]) -> Any:  # noqa: ANN401
        """What vLLM is to be told of each prompt: its adapter, or that of all."""
        return [self._present[model] for model in models] if models else self._present[0]

    def _added(self, folder: Path) -> Any:  # noqa: ANN401
        # Numbers are never used again: vLLM would take what it has under them.
        self._count += 1
        request = self._request(str(self._count), self._count, str(folder))
        self._engine.add_lora(request)
        return request
