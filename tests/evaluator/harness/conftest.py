"""Tasks of the harness in a folder of their own, on items of the zoo."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from speciate.configs import schema
from speciate.evaluator.split import Split, load_split

DATA = """
dataset_path: json
dataset_kwargs: {data_files: {train: train.jsonl, test: test.jsonl}}
training_split: train
test_split: test
"""
CHOICE = """
output_type: multiple_choice
doc_to_text: prompt
doc_to_choice: choices
doc_to_target: answer
target_delimiter: ""
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
  - {metric: mcc, aggregation: matthews_corrcoef, higher_is_better: true}
"""
GREEDY = """
output_type: loglikelihood
doc_to_text: "{{prompt}}"
doc_to_target: "{{choices[answer][:3]}}"
target_delimiter: ""
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: perplexity, aggregation: perplexity, higher_is_better: false}
"""
WRITE = """
output_type: generate_until
doc_to_text: "{{prompt}}"
doc_to_target: "e"
generation_kwargs: {until: ["\\n", "q"], max_gen_toks: 12, do_sample: false}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
filter_list:
  - name: vowel
    filter: [{function: regex, regex_pattern: "([aeiou])"}, {function: take_first}]
  - name: last
    filter:
      - {function: regex, regex_pattern: "([aeiou])", group_select: -1}
      - {function: take_first}
"""
SHARE = """
output_type: generate_until
doc_to_text: "{{prompt}}"
doc_to_target: "{{choices[answer]}}"
process_results: !function own.share
generation_kwargs: {until: ["\\n"], max_gen_toks: 8}
metric_list:
  - {metric: share, aggregation: mean, higher_is_better: true}
"""
ROLL = """
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{prompt}} {{choices[answer]}}"
metric_list:
  - {metric: bits_per_byte}
  - {metric: word_perplexity}
"""
OWN = '''
def share(doc, results):
    """Share of the expected letters that were written."""
    expected = set(doc["choices"][doc["answer"]])
    print("tasks may be loud")
    return {"share": len(expected & set(results[0])) / len(expected)}
'''
TASKS = {"choice": CHOICE, "greedy": GREEDY, "write": WRITE, "share": SHARE, "roll": ROLL}


def _section(**settings: Any) -> Any:
    given = {"name": "t", "kind": "lm_eval", "search": "test[:20]", **settings}
    return TypeAdapter[schema.Task](schema.Task).validate_python(given)


@pytest.fixture
def section() -> Callable[..., Any]:
    """Makes the section of a task named 't' that searches with the first 20 test documents."""
    return _section


@pytest.fixture
def read() -> Callable[..., Split]:
    """Makes the search split of such a task, whose paths start from a folder."""

    def made(folder: Path, **settings: Any) -> Split:
        task = _section(**settings)
        return load_split(task, folder / task.search)

    return made


@pytest.fixture
def folder(tmp_path: Path, zoo: Path) -> Path:
    """A folder of tasks, each in its own file, and their data."""
    for name, text in TASKS.items():
        (tmp_path / f"{name}.yaml").write_text(f"task: own_{name}\n{DATA}{text}")
    (tmp_path / "own.py").write_text(OWN)
    for split, source in (("train", "search"), ("test", "test")):
        lines = (zoo / "tasks" / f"choice.{source}.jsonl").read_text().splitlines()[:40]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines))
    return tmp_path
