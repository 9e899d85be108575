"""Sources that are tried out: what passes, what is told of those that do not."""

import json
from collections.abc import Callable
from dataclasses import asdict

import pytest

from speciate.errors import SandboxError
from speciate.population.operators.evolved import check, try_out

Source = Callable[[str], str]
# Where the function lies in memory, which is elsewhere each time.
ADDRESS = """where = int(str(merge).partition(" at ")[2][:-1], 16)
return models[0] + np.float32(where % 1000003)"""
EQUAL = "another result than the models, which are all equal"


@pytest.mark.slow
def test_the_examples_pass(examples: dict[str, str]) -> None:
    found = {name: try_out(text) for name, text in examples.items()}
    assert [one.problems for one in found.values()] == [[], [], []]
    assert all(one.passed and one.facts["warnings"] == [] for one in found.values())
    assert {name: one.facts["uses_base"] for name, one in found.items()} == {
        "linear": True,
        "sign_consensus": True,
        "trimmed_mean": False,
    }


def test_trials_are_the_same_each_time(source: Source) -> None:
    text = source("noise = random.normal(size=models[0].shape).astype('f4')\n"
                  "return models[0] + noise * (models[-1] - models[0])")  # fmt: skip
    first, second = try_out(text), try_out(text)
    assert first == second
    assert first.passed
    assert json.loads(json.dumps(asdict(first))) == asdict(first)
    assert first.facts["uses_random"]
    assert first.facts["warnings"] == ["parameter scale changes nothing"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return models[0] / 0", "made NaN or infinite values"),
        ("return np.mean(models, axis=0) + (models[0].ndim == 1)", EQUAL),
        ("return models[0] + random.normal(size=models[0].shape).astype('f4')", EQUAL),
        ("return base + models[0] - models[0]", "TypeError: unsupported operand"),
        ("return models[2]", "IndexError: list index out of range (line 9)"),
        ("return models[0][:, ::-1].copy()", "IndexError: too many indices"),
        ("return models[0].astype(float)", "merge returned float64, not float32"),
        ("models[0] *= 2\nreturn models[0]", "output array is read-only (line 9)"),
        (ADDRESS, "another result the second time"),
        ("while True: pass", "took more than 2 s of processor time"),
        ("return models[0] + np.zeros(2**28)[0]", "MemoryError: Unable to allocate 2.00 GiB"),
        ("return models[0] / np.float32(parameters['scale'])", "scale = 0: made NaN"),
    ],
)
def test_what_does_not_pass(source: Source, body: str, said: str) -> None:
    text = source(body)
    assert check(text) == []
    found = try_out(text)
    assert not found.passed
    assert any(said in one for one in found.problems), found.problems
    assert found.facts.keys() == {"cases"}
    assert len(found.problems) <= 3


def test_what_is_refused_is_not_tried(source: Source) -> None:
    found = try_out(source("return open('x')"))
    assert (found.passed, found.facts) == (False, {})
    assert "open" in found.problems[0]


def test_without_bubblewrap_nothing_is_tried(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxError, match="tried out in a sandbox: bubblewrap is missing"):
        try_out(source("return models[0]"))
