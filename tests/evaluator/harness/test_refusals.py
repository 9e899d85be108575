"""Tasks of the harness that cannot be scored are refused in one line."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from speciate.configs.load import explain
from speciate.errors import TaskError
from speciate.evaluator.tokenizer import Tokenizer

pytest.importorskip("lm_eval")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"task": "none.yaml"}, "none.yaml: no such file; check its path"),
        ({"task": "own_write", "include": "none"}, "none: no such folder; correct include"),
        ({"task": "write.yaml", "search": "dev"}, "has no split 'dev'; correct search or test"),
        (
            {"task": "write.yaml", "search": "test[30:50]"},
            "no documents 'test[30:50]', 'test' has 40",
        ),
        ({"task": "write.yaml", "search": "test[9:9]"}, "no documents 'test[9:9]'"),
        ({"task": "write.yaml", "metric": "exact"}, "metric 'exact' of lm-eval's"),
        ({"task": "write.yaml", "filter": "vowels"}, "did you mean 'vowel'?"),
        ({"task": "choice.yaml", "metric": "mcc"}, "'mcc' is no mean over documents"),
        ({"task": "roll.yaml"}, "set higher_is_better = false"),
        ({"task": "roll.yaml", "generation": {"top_p": 1}}, "generates nothing"),
        ({"task": "group.yaml"}, "is a group of tasks; give each as a task of its own"),
        ({"task": "code.yaml"}, "runs what models write; that is not supported"),
        ({"task": "hub.yaml"}, "not on this machine, and nothing is downloaded"),
        ({"task": "broken.yaml"}, "does not work (UndefinedError: 'promt' is undefined)"),
        ({"task": "peek.yaml", "test": "test[20:]"}, "would be test documents ('test')"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    settings: dict[str, Any], said: str, folder: Path, read: Any
) -> None:
    write = (folder / "write.yaml").read_text()
    texts = {
        "group": "group: all\ntask: [own_write, own_share]\n",
        "hub": "task: hub\ndataset_path: nobody/nothing\ntest_split: test\n",
        "code": f"{write}unsafe_code: true\n",
        "broken": write.replace("{{prompt}}", "{{promt + 'a'}}"),
        "peek": f"{write}fewshot_split: test\nnum_fewshot: 1\n",
    }
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    with pytest.raises(TaskError) as caught:
        read(folder, **settings)
    line = str(caught.value)
    assert line.startswith("task 't': ")
    assert said in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"generation": {"num_beams": 4}}, "engines have no 'num_beams'"),
        ({"generation": {"penalty": 1}}, "engines have no 'penalty'"),
        (
            {"generation": {"do_sample": True, "temperature": 0.001}},
            "0.001 is too low to sample at",
        ),
        ({"max_length": 8}, "answers have 12 tokens; raise max_length"),
    ],
)
def test_what_no_engine_can_do_is_refused(
    settings: dict[str, Any], said: str, folder: Path, base: Tokenizer, read: Any
) -> None:
    split = read(folder, task="write.yaml", **settings)
    with pytest.raises(TaskError) as caught:
        split.prepare(base, 512)
    assert str(caught.value).startswith("task 't': ")
    assert said in str(caught.value)


def test_long_documents_are_refused_unless_they_may_lose_their_beginning(
    folder: Path, base: Tokenizer, read: Any
) -> None:
    with pytest.raises(TaskError, match=r"share.yaml: test\[:20\] 0: task 't' needs \d+ tokens"):
        read(folder, task="share.yaml", num_fewshot=2).prepare(base, 100)
    kind = read(folder, task="share.yaml", num_fewshot=2, max_length=99).prepare(base, 100)
    assert set(kind.lengths) == {99}


def test_a_missing_harness_is_told(folder: Path, monkeypatch: Any, read: Any) -> None:
    for module in list(sys.modules):
        if module.partition(".")[0] == "lm_eval":
            monkeypatch.setitem(sys.modules, module, None)
        if module.startswith("speciate.evaluator.harness"):
            monkeypatch.delitem(sys.modules, module)
    with pytest.raises(
        TaskError, match=r"^task 't': lm-eval is not .* install speciate\[lm-eval\]"
    ):
        read(folder, task="share.yaml")


def test_nothing_imports_the_harness_before_it_is_needed(tmp_path: Path) -> None:
    code = "import sys, speciate.session, speciate.evaluator.split; print('lm_eval' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout == "False\n"


@pytest.mark.nightly
def test_names_are_those_of_the_harness(folder: Path, read: Any) -> None:
    with pytest.raises(TaskError, match=r"no task 'gsm8kk'; did you mean 'gsm8k'\?"):
        read(folder, task="gsm8kk")
    with pytest.raises(TaskError, match=r"'mmlu' is a group of tasks"):
        read(folder, task="mmlu")
    with pytest.raises(TaskError, match=r"TaskManager as T; T\(\).load\('gsm8k'\)"):
        read(folder, task="gsm8k")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"search": "data/test.jsonl"}, "search: string should match pattern"),
        ({"search": "test[:10%]"}, "search: string should match pattern"),
        ({"generation": {"until": float("nan")}}, "generation: out of range"),
        ({"max_length": 1}, "max_length: input should be greater than or equal to 2"),
        ({"num_few_shot": 1}, "unknown key 'num_few_shot'; did you mean 'num_fewshot'?"),
    ],
)
def test_sections_that_make_no_sense_are_refused(
    settings: dict[str, Any], said: str, section: Any
) -> None:
    with pytest.raises(ValidationError) as caught:
        section(task="gsm8k", **settings)
    assert explain(caught.value).startswith(said) or said in explain(caught.value)
