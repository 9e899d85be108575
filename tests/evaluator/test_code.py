"""The task kind `code`: what a scripted engine writes is run in real sandboxes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from speciate.errors import SandboxError, TaskError
from speciate.evaluator import Sampling, Tokens
from speciate.evaluator.tasks import Partial
from speciate.evaluator.tasks import code as module
from speciate.evaluator.tasks.code import found
from speciate.evaluator.tokenizer import Tokenizer

RIGHT = "def add(a, b):\n    return a + b"
WRONG = "def add(a, b):\n    return a - b"
ADD: dict[str, Any] = {"prompt": "Write add.", "tests": "assert add(1, 2) == 3"}


class Scripted:
    """Answers each prompt with the next of some texts."""

    fingerprint, limit, starts = "scripted", 1000, 1

    def __init__(self, tokenizer: Tokenizer, *texts: str) -> None:
        self._tokens = [tokenizer.encode_rendered(text) for text in texts]

    def load(self, model: Path) -> None: ...

    def logprobs(self, sequences: Sequence[Tokens]) -> list[Any]:
        raise NotImplementedError

    def generate(self, prompts: Sequence[Tokens], settings: Sampling) -> list[list[int]]:
        assert len(prompts) == len(self._tokens)
        return self._tokens

    def close(self) -> None: ...


@pytest.fixture
def score(base: Tokenizer, split: Any) -> Any:
    """Scores of items, given what is written to each."""

    def scored(items: Sequence[object], *texts: str, **settings: object) -> tuple[float, ...]:
        made = split(items, kind="code", max_tokens=200, **settings)
        return tuple(made.prepare(base, 1000).score(Scripted(base, *texts)).items)

    return scored


def test_code_passes_or_does_not(score: Any) -> None:
    texts = (RIGHT, f"Sure:\n```python\n{RIGHT}\n```\nDone.", WRONG, "I cannot.")
    assert score([ADD] * 4, *texts) == (1.0, 1.0, 0.0, 0.0)


def test_code_goes_on_with_the_prompt(score: Any) -> None:
    item = {
        "prompt": 'from typing import List\n\n\ndef total(xs: List[int]) -> int:\n    """Sum."""\n',
        "tests": "def check(candidate):\n    assert candidate([1, 2]) == 3\n",
        "entry_point": "total",
    }
    texts = ("    return sum(xs)\n\n\ndef next():\n  broken", "    return 0\n")
    settings = {"append": True, "extract": "none", "stop": ["\ndef "]}
    assert score([item] * 2, *texts, **settings) == (1.0, 0.0)


def test_setup_stands_before_the_code(score: Any) -> None:
    item = {**ADD, "setup": "import operator", "tests": "assert add(1, 2) == 3"}
    assert score([item], "add = operator.add") == (1.0,)


def test_samples_are_scored_by_their_mean(score: Any) -> None:
    settings = {"temperature": 1.0, "repeats": 4}
    assert score([ADD], RIGHT, WRONG, WRONG, WRONG, **settings) == (0.25,)


def test_some_items_can_be_scored(base: Tokenizer, split: Any) -> None:
    items = [{**ADD, "tests": f"assert add(1, 2) == {n}"} for n in (2, 3, 4)]
    kind = split(items, kind="code").prepare(base, 1000)
    assert isinstance(kind, Partial)
    assert kind.score_items(Scripted(base, RIGHT, RIGHT), [2, 1]).items == (0.0, 1.0)
    assert len(kind.probes) == 3


def test_equal_code_is_run_once(
    base: Tokenizer, split: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran, examine = [], module.examine
    monkeypatch.setattr(
        module, "examine", lambda *given: (ran.append(given[0]), examine(*given))[1]
    )
    kind = split([ADD, ADD], kind="code", temperature=1.0, repeats=2).prepare(base, 1000)
    for _ in range(2):
        assert kind.score(Scripted(base, RIGHT, WRONG, RIGHT, RIGHT)).items == (1.0, 0.5)
    assert sorted(ran) == sorted([RIGHT, RIGHT, WRONG])


def test_limits_are_those_of_the_task(score: Any) -> None:
    loops, holds = "while True: pass", f"held = bytearray(2**28)\n{RIGHT}"
    assert score([ADD] * 2, loops, holds, seconds=1, memory=128) == (0.0, 0.0)
    assert score([ADD], holds, memory=512) == (1.0,)


def test_a_sandbox_that_fails_is_no_wrong_answer(
    score: Any, monkeypatch: pytest.MonkeyPatch, base: Tokenizer, split: Any
) -> None:
    kind = split([ADD], kind="code").prepare(base, 1000)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxError, match="bubblewrap is missing"):
        kind.score(Scripted(base, RIGHT))


def test_without_a_sandbox_the_task_is_refused(split: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    said = "task 't' runs code in a sandbox: bubblewrap is missing; install it"
    with pytest.raises(TaskError, match=said):
        split([ADD], kind="code")


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"tests": "assert add(1"}, "tests are not Python"),
        ({"tests": "assert abs(-1) == 1"}, "tests use nothing of the code"),
        (
            {"tests": "import math\nx = 1\nassert math.sqrt(x) == x"},
            "tests use nothing of the code",
        ),
        ({"tests": "def check(f): assert add(1, 2) == 3"}, "tests define check"),
        ({"tests": "def test_a(x): add(x)"}, "test_a must be a plain function"),
        ({"tests": "async def test_a(): add(1)"}, "test_a must be a plain function"),
        ({"tests": "class TestA:\n  def test_a(self): add(1)"}, "class TestA is not run"),
        ({"entry_point": "a b"}, "entry_point: string should match pattern"),
        ({"test": "x"}, "unknown key 'test'; did you mean 'tests'"),
    ],
)
def test_tests_that_test_nothing_are_refused(
    split: Any, item: dict[str, object], said: str
) -> None:
    with pytest.raises(TaskError, match=rf"t\.jsonl:1: not a code item: .*{said}") as caught:
        split([{**ADD, **item}], kind="code")
    assert "\n" not in str(caught.value)


def test_another_python_is_another_task(split: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = split([ADD], kind="code").digest
    assert split([ADD], kind="code").digest == first
    assert split([ADD], kind="code", memory=256).digest != first
    monkeypatch.setattr("platform.python_version_tuple", lambda: ("3", "99", "0"))
    assert split([ADD], kind="code").digest != first


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a = 1", "a = 1"),
        ("```python\na\n```", "a\n"),
        ("Text\n\n```py\na\n\nb\n```\nand\n```python\nc\n```", "a\n\nb\n"),
        ("```\na\n```", "a\n"),
        ("```bash\npip\n```\n```Python title=x\na\n```", "a\n"),
        ("```python\nx = '''\n```no end'''\n```", "x = '''\n```no end'''\n"),
        ("````python\n```\na\n````", "```\na\n"),
        ("```python\na", "a"),
        ("1. Do\n    ```python\n    a\n      b\n\n    ```", "a\n  b\n\n"),
        ("```python\n    return 1\n```", "    return 1\n"),
        ("```json\n{}\n```", "```json\n{}\n```"),
        ("inline ```a``` is no block", "inline ```a``` is no block"),
    ],
)
def test_code_is_found_in_text(text: str, code: str) -> None:
    assert found(text) == code
