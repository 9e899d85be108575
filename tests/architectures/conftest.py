"""Ten architectures as tiny random models: real folders of a base and of two models near to it."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import nn

TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
# Of the zoo's tokenizer, whose 261 tokens leave some rows of the embedding unused.
VOCABULARY = {"vocab_size": 320, "bos_token_id": 256, "eos_token_id": 257, "pad_token_id": 258}
SIZES = {
    "hidden_size": 128,
    "intermediate_size": 192,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 256,
    "initializer_range": 0.1,  # Enough for the models to have opinions.
}
SPREAD = 0.01  # Standard deviation of what sets the two models apart from their base.


@dataclass(frozen=True)
class Architecture:
    """How to make a tiny model of it.

    Attributes:
        name: Of the class in transformers, without its ending; also what `config.json` says.
        config: Name of the class of its config, without its ending.
        settings: Of the config, besides the sizes and the vocabulary that all have.
        shard: Largest file, for an architecture that is stored in shards.
    """

    name: str
    config: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    shard: str = "5GB"

    @property
    def tied(self) -> bool:
        """Whether the head is the embedding, and so is not stored."""
        return bool(self.settings["tie_word_embeddings"])


TIED = {"tie_word_embeddings": True}
UNTIED = {"tie_word_embeddings": False}
# One block attends to the last 16 tokens only, the other to all of them.
SLIDING = {
    "layer_types": ["sliding_attention", "full_attention"],
    "sliding_window": 16,
    "query_pre_attn_scalar": 32,
}
ARCHITECTURES = {
    "llama": Architecture("Llama", "Llama", TIED),
    "mistral": Architecture("Mistral", "Mistral", UNTIED | {"sliding_window": 16}, shard="200KB"),
    "qwen2": Architecture("Qwen2", "Qwen2", TIED),
    "qwen3": Architecture("Qwen3", "Qwen3", UNTIED),
    "gemma2": Architecture("Gemma2", "Gemma2", TIED | SLIDING),
    "gemma3": Architecture("Gemma3", "Gemma3Text", TIED | SLIDING),
    "phi3": Architecture("Phi3", "Phi3", UNTIED),
    "olmo2": Architecture("Olmo2", "Olmo2", UNTIED),
    "mixtral": Architecture("Mixtral", "Mixtral", UNTIED | {"num_local_experts": 4}),
    "qwen3_moe": Architecture(
        "Qwen3Moe",
        "Qwen3Moe",
        UNTIED | {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 64},
    ),
}


def random_model(architecture: str, seed: int) -> nn.Module:
    """A model in float32; norms and biases are random as well, so that no merge leaves them."""
    chosen = ARCHITECTURES[architecture]
    config = getattr(transformers, f"{chosen.config}Config")(
        **SIZES, **VOCABULARY, **chosen.settings
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: nn.Module = getattr(transformers, f"{chosen.name}ForCausalLM")(config)
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def save(architecture: str, model: Any, dtype: torch.dtype, folder: Path, zoo: Path) -> None:
    """As a complete folder, with the zoo's tokenizer."""
    model.to(dtype).save_pretrained(folder, max_shard_size=ARCHITECTURES[architecture].shard)
    for file in TOKENIZER:
        shutil.copy(zoo / "models" / "base" / file, folder)


@pytest.fixture(scope="session")
def write_tiny(zoo: Path) -> Callable[..., Path]:
    """Writes a random model of an architecture to a folder."""

    def write(
        architecture: str, folder: Path, seed: int, dtype: torch.dtype = torch.bfloat16
    ) -> Path:
        """The model of `seed`: with 0 the base, with another the base and a little noise."""
        model = random_model(architecture, 0)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters() if seed else ():
                parameter += SPREAD * torch.randn(parameter.shape, generator=generator)
        save(architecture, model, dtype, folder, zoo)
        return folder

    return write


@pytest.fixture(scope="session", params=list(ARCHITECTURES))
def architecture(request: pytest.FixtureRequest) -> str:
    """Each of the ten in turn."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def models(
    architecture: str, write_tiny: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Folders of the architecture's base and of two models near to it."""
    folder = tmp_path_factory.mktemp(architecture)
    names = ("base", "one", "two")
    return {name: write_tiny(architecture, folder / name, n) for n, name in enumerate(names)}
