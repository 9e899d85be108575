"""A program: what vLLM, started on one model folder, answers as this model and after swaps.

Usage: serve.py FIRST SECOND PROMPTS, the last a JSON list of lists of token ids. Prints one line of
JSON: for each of the folders, and then for the first again, swapped in as a stream of its tensors,
the answers and the log-probabilities of prompt and answer.
"""

import json
import sys
from pathlib import Path
from typing import Any

from speciate.configs.schema import Vllm
from speciate.evaluator import Engine, Sampling
from speciate.evaluator.start import start_engine
from speciate.population.weights import Checkpoint


def answers(engine: Engine, prompts: list[list[int]]) -> dict[str, Any]:
    """Four tokens a prompt, or fewer where the model ends the text."""
    tokens = engine.generate(prompts, Sampling(4))
    whole = [prompt + answer for prompt, answer in zip(prompts, tokens, strict=True)]
    return {"tokens": whole, "logprobs": [one.tolist() for one in engine.logprobs(whole)]}


def main(first: str, second: str, prompts: str) -> None:
    engine = start_engine(Vllm(type="vllm", max_model_len=64, max_num_seqs=8), Path(first))
    found = [answers(engine, json.loads(prompts))]
    engine.load(Path(second))
    found.append(answers(engine, json.loads(prompts)))
    model = Checkpoint(Path(first))
    engine.load_tensors((name, model.tensor(name)) for name in model.names)
    found.append(answers(engine, json.loads(prompts)))
    print(json.dumps(found))
    engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
