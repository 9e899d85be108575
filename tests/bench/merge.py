"""Benchmark of merging: mergekit and speciate in turn, on the same models, in one run.

Makes a base and three experts of the shape of Qwen2.5-0.5B (bfloat16, random weights), brings them
into the page cache, and merges them as whole processes: median wall time of several runs, largest
private (anonymous) memory of the process tree in one more run, ratio, and distance from the floor,
which is reading every input byte once and writing every output byte once at the speed of `cp`. With
`--memory`, the memory of speciate alone on the shape of Qwen2.5-3B, which must stay about the same.

Prints the tables of docs/benchmarks.md.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import torch
import yaml
from safetensors.torch import save_file

SHAPES = {
    "0.5b": {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24}
    | {"num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151936},
    "3b": {"hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36}
    | {"num_attention_heads": 16, "num_key_value_heads": 2, "vocab_size": 151936},
}
CONFIG = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_act": "silu",
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000.0,
    "max_position_embeddings": 32768,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "bos_token_id": 151643,
    "eos_token_id": 151645,
}
EXPERTS = ("one", "two", "three")
# Where sums cancel, mergekit elects +; so do we here, so that both compute the same. By default
# we take a vote, as the authors of TIES do, for which the models are read once more.
OPERATORS: dict[str, dict[str, object]] = {
    "linear": {},
    "slerp": {"t": 0.4},
    "ties": {"density": 0.5, "scope": "tensor", "majority": "positive"},
    "dare_ties": {"density": 0.5, "majority": "positive"},
}
VOTED = {name: {k: v for k, v in p.items() if k != "majority"} for name, p in OPERATORS.items()}


def shapes(shape: dict[str, int]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of all tensors of a Qwen2 model."""
    hidden, inner = shape["hidden_size"], shape["intermediate_size"]
    head = hidden // shape["num_attention_heads"]
    groups = head * shape["num_key_value_heads"]
    yield "model.embed_tokens.weight", (shape["vocab_size"], hidden)
    yield "model.norm.weight", (hidden,)
    for layer in range(shape["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        for name, rows in (("q", hidden), ("k", groups), ("v", groups)):
            yield f"{at}.self_attn.{name}_proj.weight", (rows, hidden)
            yield f"{at}.self_attn.{name}_proj.bias", (rows,)
        yield f"{at}.self_attn.o_proj.weight", (hidden, hidden)
        yield f"{at}.mlp.gate_proj.weight", (inner, hidden)
        yield f"{at}.mlp.up_proj.weight", (inner, hidden)
        yield f"{at}.mlp.down_proj.weight", (hidden, inner)
        yield f"{at}.input_layernorm.weight", (hidden,)
        yield f"{at}.post_attention_layernorm.weight", (hidden,)


def write_models(folder: Path, shape: dict[str, int], experts: tuple[str, ...]) -> None:
    """A base and experts, the base plus noise of the size of a fine-tune."""
    torch.manual_seed(0)
    base = {name: torch.randn(size).mul_(0.02).bfloat16() for name, size in shapes(shape)}
    save(folder / "base", base, shape)
    for expert in experts:
        moved = {n: (w.float() + torch.randn(w.shape) * 1e-3).bfloat16() for n, w in base.items()}
        save(folder / expert, moved, shape)


def save(folder: Path, weights: dict[str, torch.Tensor], shape: dict[str, int]) -> None:
    """A model folder of one safetensors file."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG | shape))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def parents(operator: str) -> tuple[str, ...]:
    """Names of the models that an operator merges, the base first if it needs one."""
    models = EXPERTS[:2] if operator == "slerp" else EXPERTS
    return models if operator in ("linear", "slerp") else ("base", *models)


def recipe_of_ours(folder: Path, operator: str, vote: bool = False) -> Path:
    """A recipe file for `speciate merge`."""
    roles = [{"path": n, "role": "base" if n == "base" else "model"} for n in parents(operator)]
    parameters = (VOTED if vote else OPERATORS)[operator]
    content = {"operator": operator, "parents": roles, "parameters": parameters}
    path = folder / f"{operator}.json"
    path.write_text(json.dumps(content))
    return path


def recipe_of_theirs(folder: Path, operator: str) -> Path:
    """A config file for mergekit."""
    weighted = {"weight": 1.0, "density": 0.5} if "ties" in operator else {"weight": 1.0}
    models = [
        {"model": str(folder / n)} | ({} if n == "base" else {"parameters": weighted})
        for n in parents(operator)
    ]
    config: dict[str, object] = {"merge_method": operator, "models": models, "dtype": "bfloat16"}
    if operator == "slerp":
        config |= {"base_model": str(folder / "one"), "parameters": {"t": 0.4}}
    if "ties" in operator:
        config["base_model"] = str(folder / "base")
    path = folder / f"{operator}.yml"
    path.write_text(yaml.safe_dump(config))
    return path


def timed(command: list[str]) -> float:
    """Wall time of a process in seconds."""
    start = time.perf_counter()
    _finish(command, _started(command))
    return time.perf_counter() - start


def memory_of(command: list[str]) -> float:
    """Largest private memory of a process and its children in MiB, looked at ten times a second.

    In a run of its own, since looking takes time.
    """
    process = _started(command)
    largest = [0]
    watch = threading.Thread(target=_watch, args=(process, largest), daemon=True)
    watch.start()
    _finish(command, process)
    return largest[0] / 2**20


def _started(command: list[str]) -> "subprocess.Popen[str]":
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    # Without its cache of compiled modules, Python compiles them at every start: half a second.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _finish(command: list[str], process: "subprocess.Popen[str]") -> None:
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{said}")


def _watch(process: "subprocess.Popen[str]", largest: list[int]) -> None:
    while process.poll() is None:
        largest[0] = max(largest[0], _anonymous(process.pid))
        time.sleep(0.1)


def _anonymous(pid: int) -> int:
    """Private anonymous memory of a process and its children, in bytes; what they share, once."""
    total = 0
    try:
        family = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
        for one in family:
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss_Anon:"):
                    total += int(line.split()[1]) * 1024
    except (OSError, psutil.Error):
        return total
    return total


def floor(folder: Path, operator: str) -> float:
    """Seconds to read all inputs and write the output once, at the speed of `cp`."""
    source, copy = folder / "one" / "model.safetensors", folder / "copy"
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(["cp", str(source), str(copy)], check=True)
        seconds.append(time.perf_counter() - start)
        copy.unlink()
    # One copy reads once and writes once.
    return statistics.median(seconds) * (len(parents(operator)) + 1) / 2


def warm(folder: Path) -> None:
    """Brings all models into the page cache."""
    for file in folder.glob("*/model.safetensors"):
        with file.open("rb", buffering=0) as stream:
            while stream.read(1 << 24):
                pass


def compare(folder: Path, operator: str, repeats: int) -> str:
    """One line of the table: both in turn, medians."""
    programs = Path(sys.executable).parent
    out = folder / "out"
    commands = {
        "mergekit": [
            str(programs / "mergekit-yaml"),
            str(recipe_of_theirs(folder, operator)),
            str(out),
            "--no-copy-tokenizer",
        ],
        "speciate": [
            str(programs / "speciate"),
            "merge",
            str(recipe_of_ours(folder, operator)),
            str(out),
        ],
    }
    memory: dict[str, float] = {}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for name, command in commands.items():
        memory[name] = memory_of(command)
        shutil.rmtree(out)
    for _ in range(repeats):
        for name, command in commands.items():
            warm(folder)
            seconds[name].append(timed(command))
            shutil.rmtree(out)
    theirs, ours = (statistics.median(seconds[name]) for name in commands)
    least = floor(folder, operator)
    spread = ", ".join(f"{run:.2f}" for run in seconds["speciate"])
    return (
        f"| {operator} | {theirs:.2f} | {ours:.2f} ({spread}) | {theirs / ours:.1f} "
        f"| {memory['mergekit']:.0f} | {memory['speciate']:.0f} | {ours / least:.1f} |"
    )


def alone(folder: Path, operator: str) -> str:
    """One line of the table of speciate alone, as it merges by default."""
    out = folder / "out"
    program = str(Path(sys.executable).parent / "speciate")
    command = [program, "merge", str(recipe_of_ours(folder, operator, vote=True)), str(out)]
    memory = memory_of(command)
    shutil.rmtree(out)
    warm(folder)
    seconds = timed(command)
    shutil.rmtree(out)
    return f"| {operator} | {seconds:.2f} | {memory:.0f} |"


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="0.5b")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--operators", nargs="*", default=list(OPERATORS))
    parser.add_argument("--memory", action="store_true", help="only speciate")
    parser.add_argument("--folder", type=Path, help="where models are made, and found again")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "base").exists():
            write_models(folder, SHAPES[asked.shape], EXPERTS)
        if not asked.memory:
            print("| operator | mergekit, s | speciate, s | ratio | MiB | MiB | times the floor |")
            print("|---|---|---|---|---|---|---|")
            for operator in asked.operators:
                print(compare(folder, operator, asked.repeats), flush=True)
        print("\n| speciate by default | s | MiB |\n|---|---|---|")
        for operator in asked.operators:
            print(alone(folder, operator), flush=True)


if __name__ == "__main__":
    main()
