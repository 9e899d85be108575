"""Tasks of the lm-evaluation-harness: the same scores as by its own model of the same weights."""

import math
import pickle
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from speciate.configs import schema
from speciate.configs.load import explain
from speciate.errors import TaskError
from speciate.evaluator import Engine
from speciate.evaluator.split import Split, load_split
from speciate.evaluator.tasks import higher_is_better, kind_of
from speciate.evaluator.tokenizer import Tokenizer

harness: Any = pytest.importorskip("lm_eval")
manager: Any = pytest.importorskip("lm_eval.tasks").TaskManager(include_defaults=False)

DOCS = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text()
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


def section(**settings: Any) -> Any:
    given = {"name": "t", "kind": "lm_eval", "search": "test[:20]", **settings}
    return TypeAdapter[schema.Task](schema.Task).validate_python(given)


def read(folder: Path, **settings: Any) -> Split:
    task = section(**settings)
    return load_split(task, folder / task.search)


def theirs(folder: Path, task: str, **settings: Any) -> tuple[Any, Any]:
    """What the harness makes of a task: its results, and those of each document."""
    found = harness.simple_evaluate(
        tasks=[str(folder / task)], task_manager=manager, bootstrap_iters=0, limit=20, **settings
    )
    (results,), (samples,) = found["results"].values(), found["samples"].values()
    return results, samples


@pytest.mark.parametrize(
    ("task", "metric", "settings", "unit"),
    [
        ("choice", "acc", {}, "acc"),
        ("choice", "acc_norm", {"num_fewshot": 2}, "acc_norm"),
        ("greedy", "acc", {}, "acc"),
        ("greedy", "perplexity", {"higher_is_better": False}, "log2 perplexity"),
        ("write", "exact_match", {"filter": "vowel"}, "exact_match"),
        (
            "write",
            "exact_match",
            {"filter": "last", "generation": {"max_gen_toks": 6}},
            "exact_match",
        ),
        ("share", "share", {"num_fewshot": 1}, "share"),
        ("roll", "bits_per_byte", {"higher_is_better": False, "max_length": 32}, "bits/byte"),
        ("roll", "word_perplexity", {"higher_is_better": False}, "bits/word"),
    ],
)
def test_scores_are_those_of_the_harness(
    task: str,
    metric: str,
    settings: dict[str, Any],
    unit: str,
    folder: Path,
    zoo: Path,
    transformers: Engine,
    base: Tokenizer,
    monkeypatch: Any,
    capfd: Any,
) -> None:
    model = zoo / "models" / "library"
    transformers.load(model)
    capfd.readouterr()
    kind = read(folder, task=f"{task}.yaml", metric=metric, **settings).prepare(base, 512)
    score = kind.score(transformers)
    assert capfd.readouterr() == ("", "")
    monkeypatch.chdir(folder)  # Where the harness looks for data.
    results, _ = theirs(
        folder,
        f"{task}.yaml",
        model="hf",
        model_args={
            "pretrained": str(model),
            "dtype": "float32",
            "max_length": settings.get("max_length"),
        },
        device="cpu",
        batch_size=1,
        num_fewshot=settings.get("num_fewshot"),
        gen_kwargs=settings.get("generation"),
    )
    expected = results[f"{metric},{settings.get('filter', 'none')}"]
    expected = math.log2(expected) if metric.endswith("perplexity") else expected
    counted = metric in ("acc", "acc_norm", "exact_match")
    assert score.value == pytest.approx(expected, rel=0, abs=0 if counted else 2e-6)
    assert (score.metric, len(score.items)) == (unit, 20)
    assert 0 < kind.fitness(score.value) < 1


def test_the_harness_itself_can_run_our_engine(
    folder: Path, zoo: Path, transformers: Engine, base: Tokenizer, monkeypatch: Any
) -> None:
    from speciate.evaluator.harness import EngineLM

    transformers.load(zoo / "models" / "english")
    score = read(folder, task="share.yaml").prepare(base, 512).score(transformers)
    monkeypatch.chdir(folder)
    _, samples = theirs(folder, "share.yaml", model=EngineLM(base, transformers))
    assert score.items == pytest.approx([one["share"] for one in samples], abs=1e-6)


def test_some_of_the_items_score_as_among_all(
    folder: Path, zoo: Path, transformers: Engine, base: Tokenizer
) -> None:
    transformers.load(zoo / "models" / "english")
    split = read(folder, task="share.yaml", search="test[5:25]", num_fewshot=3)
    split = pickle.loads(pickle.dumps(split))  # As it goes to workers.
    some = replace(split, items=split.items[4:7], places=split.places[4:7])
    whole, part = (one.prepare(base, 512).score(transformers) for one in (split, some))
    assert part.items == whole.items[4:7]
    assert split.places[4] == f"{folder}/share.yaml: test[5:25] 9"


def test_sampled_answers_are_drawn_by_seed(
    folder: Path, zoo: Path, transformers: Engine, base: Tokenizer
) -> None:
    transformers.load(zoo / "models" / "english")
    drawn = {"generation": {"do_sample": True, "temperature": 2.0, "max_gen_toks": 8}}
    first, again, other = (
        read(folder, task="share.yaml", seed=seed, **drawn).prepare(base, 512).score(transformers)
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_prompts_may_be_chats(folder: Path, transformers: Engine, base: Tokenizer) -> None:
    chat = read(folder, task="write.yaml", chat=True).prepare(base, 512)
    plain = read(folder, task="write.yaml").prepare(base, 512)
    assert all(longer > short for longer, short in zip(chat.lengths, plain.lengths, strict=True))
    with (folder / "write.yaml").open("a") as file:
        file.write("gen_prefix: It is\n")
    with pytest.raises(TaskError, match=r"^task 't': the task begins answers .* chat = false"):
        read(folder, task="write.yaml", chat=True).prepare(base, 512)


def test_the_same_documents_are_the_same_items(folder: Path) -> None:
    first, other, apart = (
        read(folder, task="write.yaml", search=part, num_fewshot=2)
        for part in ("test[:20]", "test[10:30]", "test[20:]")
    )
    assert len(set(first.items) & set(other.items)) == 10
    assert not set(first.items) & set(apart.items)
    assert len(apart.items) == 20


def test_scores_depend_on_the_definition_but_not_on_its_place(folder: Path) -> None:
    def digest(at: Path, task: str = "share.yaml", **settings: Any) -> str:
        return read(at, task=task, **settings).digest

    before = digest(folder)
    elsewhere = shutil.copytree(folder, folder.parent / f"{folder.name}_again")
    assert digest(elsewhere) == before
    assert digest(folder, "own_share", include=".") == before
    assert digest(folder, name="other", weight=2) == before
    assert len({before, digest(folder, num_fewshot=1), digest(folder, seed=1)}) == 3
    own = elsewhere / "own.py"
    own.write_text(own.read_text().replace("len(expected)}", "max(1, len(expected))}"))
    assert digest(elsewhere) != before
    text = (folder / "share.yaml").read_text()
    (folder / "share.yaml").write_text(text.replace("max_gen_toks: 8", "max_gen_toks: 9"))
    assert digest(folder) != before


def test_documents_must_stay_the_same(folder: Path, base: Tokenizer) -> None:
    split = read(folder, task="roll.yaml", higher_is_better=False)
    data = folder / "test.jsonl"
    data.write_text(data.read_text().replace(" = ", " is "))
    with pytest.raises(TaskError, match="have changed meanwhile"):
        split.prepare(base, 512)


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
    settings: dict[str, Any], said: str, folder: Path
) -> None:
    (folder / "group.yaml").write_text("group: all\ntask: [own_write, own_share]\n")
    (folder / "code.yaml").write_text(f"task: code\nunsafe_code: true\n{DATA}{WRITE}")
    (folder / "hub.yaml").write_text("task: hub\ndataset_path: nobody/nothing\ntest_split: test\n")
    (folder / "broken.yaml").write_text(
        f"task: broken\n{DATA}{WRITE}".replace("{{prompt}}", "{{promt + 'a'}}")
    )
    (folder / "peek.yaml").write_text(
        f"task: peek\n{DATA}fewshot_split: test\nnum_fewshot: 1\n{WRITE}"
    )
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
    settings: dict[str, Any], said: str, folder: Path, base: Tokenizer
) -> None:
    split = read(folder, task="write.yaml", **settings)
    with pytest.raises(TaskError) as caught:
        split.prepare(base, 512)
    assert str(caught.value).startswith("task 't': ")
    assert said in str(caught.value)


def test_long_documents_are_refused_unless_they_may_lose_their_beginning(
    folder: Path, base: Tokenizer
) -> None:
    with pytest.raises(TaskError, match=r"share.yaml: test\[:20\] 0: task 't' needs \d+ tokens"):
        read(folder, task="share.yaml", num_fewshot=2).prepare(base, 100)
    kind = read(folder, task="share.yaml", num_fewshot=2, max_length=99).prepare(base, 100)
    assert set(kind.lengths) == {99}


def test_a_missing_harness_is_told(folder: Path, monkeypatch: Any) -> None:
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


@pytest.mark.slow
def test_names_are_those_of_the_harness(folder: Path) -> None:
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
def test_sections_that_make_no_sense_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        section(task="gsm8k", **settings)
    assert explain(caught.value).startswith(said) or said in explain(caught.value)


def test_the_documented_tasks_are_understood() -> None:
    text = DOCS.split("\n## lm_eval\n")[1].split("\n## ")[0]
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    tasks = [section(**task) for task in tomllib.loads(example)["tasks"]]
    assert [task.is_file for task in tasks] == [False, True]


def test_the_direction_is_the_sections() -> None:
    for better in (True, False):
        task = section(task="gsm8k", higher_is_better=better)
        assert kind_of(task).higher_is_better == better
        assert higher_is_better(task.model_dump(mode="json")) == better
    assert kind_of(section(task="x", higher_is_better=False)).fitness(2.0) == 0.25
