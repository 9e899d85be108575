"""Agents that are scripted, and asked over HTTP like any others.

All are breeders of the default families for the zoo's five experts. The good one knows a good
region of recipes, that of the quickstart's champion; the bad one always answers with a valid recipe
that makes children worse than their parents; the poor one does the same, but its one-sided merges
may gain a little at first; the malformed one never answers with a recipe.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

EXPERTS = ("library", "english", "headers", "unicode", "tests")
FAMILY = re.compile(r'an operator of the family "(\w+)"')
BEST = re.compile(r"best first:\s+- (\w+):")


def group(weights: Mapping[str, float]) -> dict[str, Any]:
    """Several models with weights, as agents write them."""
    (first, weight), *others = weights.items()
    named = [{"name": name, "weight": weight} for name, weight in others]
    return {"first": first, "weight": weight, "others": named}


def scales(dice: Random, attention: float, mlp: float, other: float) -> dict[str, float]:
    """By kind of module, about these."""
    means = {"attention": attention, "mlp": mlp, "other": other}
    return {name: round(mean * dice.uniform(0.85, 1.15), 3) for name, mean in means.items()}


def recipe(operator: str, parameters: Mapping[str, Any], **parents: object) -> str:
    """A reply."""
    written = {"operator": operator, **parents, "parameters": parameters}
    return json.dumps({"reason": "as told", "recipe": written, "prediction": 0.5})


def good(dice: Random, family: str, best: str) -> str:
    """All experts, with scales as in the quickstart's champion; the best one with a longer step."""
    weights = {name: round(dice.uniform(0.7, 1.3), 3) for name in EXPERTS}
    if family == "averaging":
        return recipe("linear", {"normalize": True}, model=group(weights))
    if family == "task_vectors":
        told = {"scale": scales(dice, 1.1, 1.3, 0.75), "normalize": True}
        return recipe("task_arithmetic", told, model=group(weights))
    return recipe("rescale", {"factor": scales(dice, 1.05, 1.1, 1.0)}, parent=best)


def bad(dice: Random, family: str, best: str) -> str:
    """The worst expert and a bit of another, far too long task vectors, or noise alone."""
    first, second = dice.sample(EXPERTS, 2)
    if family == "averaging":
        other = second if first == "unicode" else first
        shares = {"unicode": 2.0, other: round(dice.uniform(0.05, 0.2), 3)}
        return recipe("linear", {"normalize": True}, model=group(shares))
    if family == "task_vectors":
        told = {"scale": round(dice.uniform(2.5, 4), 3), "normalize": True}
        shares = {first: round(dice.uniform(0.5, 2), 3), second: 1.0}
        return recipe("task_arithmetic", told, model=group(shares))
    told = {"sigma": round(dice.uniform(0.3, 2), 3), "density": 1.0}
    return recipe("gaussian", told, parent=best)


def poor(dice: Random, family: str, best: str) -> str:
    """As the bad one, but for averages: of any expert and a bit of another."""
    if family != "averaging":
        return bad(dice, family, best)
    first, second = dice.sample(EXPERTS, 2)
    shares = {first: 2.0, second: round(dice.uniform(0.05, 0.2), 3)}
    return recipe("linear", {"normalize": True}, model=group(shares))


def malformed(dice: Random, family: str, best: str) -> str:
    """Nothing that can be used."""
    reply = good(dice, family, best)
    wrong = ("", "{", "I cannot help with that.", reply[:-9], reply.replace("operator", "op"))
    return dice.choice((*wrong, '{"reason": "", "recipe": null, "prediction": 7}'))


AGENTS: dict[str, Callable[[Random, str, str], str]] = {
    "good": good,
    "bad": bad,
    "poor": poor,
    "malformed": malformed,
}


class Handler(BaseHTTPRequestHandler):
    """Answers as the agent that the request names as its model; the same each time."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = "\n".join(one["content"] for one in body["messages"] if one["role"] == "user")
        (family,), best = FAMILY.findall(said)[:1], BEST.findall(said)[0]
        dice = Random(f"{body['seed']} {len(body['messages'])}")
        message = {"role": "assistant", "content": AGENTS[body["model"]](dice, family, best)}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": len(said) // 4, "completion_tokens": 100}
        content = json.dumps({"choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving() -> Iterator[str]:
    """URL of all agents, until left."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
