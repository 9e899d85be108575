"""A byte-level tokenizer and a tiny Llama: build, train, save."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, processors
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

# The id of a byte is its value; the special tokens follow. The model's vocabulary is rounded up.
SPECIALS = ("<bos>", "<eos>", "<pad>", "<|user|>", "<|assistant|>")
BOS, EOS, PAD = 256, 257, 258
VOCABULARY = 320
CONTEXT = 512
ROWS, LENGTH = 24, 96

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|assistant|>' if message['role'] == 'assistant' else '<|user|>' }}"
    "{{ message['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def build_tokenizer() -> PreTrainedTokenizerFast:
    """One token per byte; printable ASCII stands for itself, other bytes are `<0xNN>`."""
    names = [chr(byte) if 32 <= byte < 127 else f"<0x{byte:02X}>" for byte in range(256)]
    vocabulary = {name: index for index, name in enumerate(names)}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[], byte_fallback=True))
    inner.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    inner.add_special_tokens(list(SPECIALS))
    inner.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A $B", special_tokens=[("<bos>", BOS)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        additional_special_tokens=list(SPECIALS[3:]),
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=CONTEXT,
    )


def build_model(seed: int) -> LlamaForCausalLM:
    """A Llama of 0.83 M float32 parameters; heads of 32, the smallest vLLM runs on a CPU."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=BOS,
        eos_token_id=EOS,
        pad_token_id=PAD,
    )
    return LlamaForCausalLM(config)


def encode(texts: Sequence[str]) -> torch.Tensor:
    """Texts of one length as ids, int64 of shape (texts, 1 + length), `<bos>` first."""
    rows = [np.frombuffer(b"\0" + text.encode("ascii"), np.uint8) for text in texts]
    ids = np.stack(rows).astype(np.int64)
    ids[:, 0] = BOS
    return torch.from_numpy(ids)


def train(
    model: LlamaForCausalLM,
    texts: Sequence[str],
    steps: int,
    rate: float,
    seed: int,
    tick: Callable[[], None],
    decay: bool = True,
) -> None:
    """Trains in place on random pieces of `texts`, all texts alike, and ticks after every step.

    The learning rate rises to `rate` over a tenth of the steps; with `decay` it then falls to zero
    along a cosine.
    """
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95))
    model.train()
    for step in range(steps):
        fall = 0.5 + 0.5 * math.cos(math.pi * step / steps) if decay else 1.0
        optimizer.param_groups[0]["lr"] = rate * fall * min(1.0, 10 * (step + 1) / steps)
        chosen = [texts[index] for index in rng.integers(len(texts), size=ROWS)]
        starts = [int(rng.integers(len(text) - LENGTH)) for text in chosen]
        pairs = zip(chosen, starts, strict=True)
        ids = encode([text[start : start + LENGTH] for text, start in pairs])
        model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tick()
    model.eval()


def save(model: LlamaForCausalLM, folder: Path, card: str, shard: str = "1GB") -> None:
    """Writes a Hugging Face folder with bfloat16 weights; `model` itself becomes bfloat16."""
    model.to(torch.bfloat16).save_pretrained(folder, max_shard_size=shard)
    build_tokenizer().save_pretrained(folder)
    (folder / "README.md").write_text(card, encoding="utf-8")


def load(folder: Path) -> LlamaForCausalLM:
    """The saved weights in float32, ready to score or to train on."""
    model: LlamaForCausalLM = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.eval()
    return model
