"""A view with every operator, and models that know nothing."""

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import xgrammar

from speciate.agents.knobs import knobs, settable
from speciate.agents.view import Attempt, Evolved, Kin, Member, Offer, Role, Task, View
from speciate.chat.account import Account
from speciate.chat.endpoint import EndpointChat
from speciate.chat.record import Record
from speciate.configs.chat import Budget, Endpoint, Recording
from speciate.population.operators.operator import Operator
from speciate.population.operators.registry import OPERATORS

# Those whose parents can be any individuals.
FAMILIES = ("alignment", "averaging", "mutation", "spectral", "task_vectors")
_END = 256
_MOST = 3000


def _offer(operator: Any) -> Offer:
    return Offer(
        operator.name,
        operator.family,
        operator.summary,
        tuple(Role(name, arity.least, arity.most) for name, arity in operator.roles.items()),
        knobs(operator.parameters),
        operator.parameters.share == "weights",
    )


def _member(digit: str, name: str, operator: str = "founder", **more: Any) -> Member:
    scores = {"sums": 0.25, "spelling": 2.5}
    return Member(digit * 40, name, operator, **{"fitness": 0.5, "scores": scores, **more})


@pytest.fixture(scope="session")
def view() -> View:
    """All that a view can hold."""
    founders = tuple(_member(*pair) for pair in zip("abcd", ("root", "x", "y", "z"), strict=True))
    parents = (("root", "base"), ("x", "model"), ("y", "model"))
    child = {"parents": parents, "parameters": {"density": 0.4375}, "proposer": "genome"}
    return View(
        step=4,
        tasks=(Task("sums", "accuracy", 0.75, True), Task("spelling", "bits/char", 0.25, False)),
        founders=founders,
        living=(
            _member("1", "1" * 10, "ties", reason="signs agree", fitness=0.6789, **child),
            _member("2", "2" * 10, "linear", **child),
        ),
        offers=tuple(
            _offer(one)
            for one in OPERATORS.values()
            if isinstance(one, Operator) and one.family in FAMILIES and settable(one.parameters)
        ),
        base="a" * 40,
        failures=(_member("3", "3" * 10, "dare_ties", error="it burst", fitness=None, **child),),
        attempts=(
            Attempt("1" * 10, "ties", "breeder@far/task_vectors", "bold", 0.7071, 0.6789),
            Attempt("4" * 10, "sce", "breeder@far/task_vectors", "rash", 0.9, None, "it sank"),
        ),
        kinship=(Kin("x", "y", 0.9321),),
        evolved=(Evolved("e" * 64, "Halves all.", '"""Halves all."""\nHALF = 0.5\n', (0.01,)),),
        insights=("Dense merges win.",),
        recommendations=("Try a lower density.",),
        rejections=("It is the same as before.",),
        calibration="On average you foretold 0.03 too much.",
    )


@pytest.fixture
def talker(tmp_path: Path) -> Callable[..., EndpointChat]:
    """Makes a chat with a server."""

    def made(base_url: str, **settings: Any) -> EndpointChat:
        given = {"base_url": base_url, "model": "agent-1", "retries": 0, "timeout_s": 30.0}
        record = Record(Recording(folder=str(tmp_path / "record")))
        return EndpointChat(Endpoint(**(given | settings)), record, Account(Budget()))

    return made


@pytest.fixture(scope="session")
def babble() -> Callable[[Mapping[str, Any], int], str]:
    """Text that follows a JSON schema and is random in all else, by the decoder that vLLM uses."""
    vocabulary = [bytes([number]) for number in range(256)] + [b"<end>"]
    tokens = xgrammar.TokenizerInfo(vocabulary, stop_token_ids=[_END])
    compiler = xgrammar.GrammarCompiler(tokens)

    def babbled(schema: Mapping[str, Any], seed: int) -> str:
        grammar = compiler.compile_json_schema(json.dumps(schema), any_whitespace=False)
        matcher = xgrammar.GrammarMatcher(grammar)
        mask = xgrammar.allocate_token_bitmask(1, len(vocabulary))
        dice, said = random.Random(seed), bytearray()
        for _ in range(_MOST):
            matcher.fill_next_token_bitmask(mask)
            bits = mask.view(torch.uint8).numpy()
            allowed = [t for t in range(len(vocabulary)) if bits[0, t // 8] >> (t % 8) & 1]
            token = dice.choice(allowed)
            matcher.accept_token(token)
            if token == _END:
                break
            said.append(token)
        return said.decode(errors="replace")

    return babbled
