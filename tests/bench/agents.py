"""Agents in campaigns: what good ones gain, and what bad ones cost.

Evolves the zoo's five experts by `steady_state` with its default operator (linear), on a few items
of each search split, with agents that are scripted and asked over HTTP like any others. The good
one knows a good region of recipes, that of the quickstart's champion; the bad one always answers
with a valid recipe that makes children worse than their parents; the poor one does the same, but
its one-sided merges may gain a little at first; the malformed one never answers with a recipe. All
are breeders of the default families, with the default settings of the bandit.

Prints the tables of docs/benchmarks.md.
"""

import argparse
import json
import re
import statistics
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

from speciate.archive.archive import Archive
from speciate.records import FOUNDER, Individual
from speciate.session import run

ZOO = Path(__file__).parents[2] / "configs" / "zoo"
EXPERTS = ("library", "english", "headers", "unicode", "tests")
SEARCHED, TESTED = 12, 8
FAMILY = re.compile(r'an operator of the family "(\w+)"')
BEST = re.compile(r"best first:\s+- (\w+):")
LINE_UPS: dict[str, tuple[str, ...]] = {
    "nobody": (),
    "good": ("good",),
    "bad": ("bad",),
    "poor": ("poor",),
    "malformed": ("malformed",),
    "good, bad, malformed": ("good", "bad", "malformed"),
}


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


@dataclass(frozen=True)
class Course:
    """One campaign: all children in the order in which they were proposed."""

    children: Sequence[Individual]

    @property
    def final(self) -> float:
        """Fitness of the best child."""
        return max(one.fitness for one in self.children if one.evaluation)

    def share(self, agent: str) -> float:
        """Of the evaluations, what went to recipes of an agent."""
        theirs = [one for one in self.children if one.proposer == f"breeder@{agent}"]
        return len(theirs) / len(self.children)

    def reached(self, target: float) -> int | None:
        """Evaluations until a child had this fitness."""
        scored = enumerate(self.children, 1)
        return next((n for n, one in scored if one.evaluation and one.fitness >= target), None)


def campaign(folder: Path, seed: int, evaluations: int, agents: Sequence[str], url: str) -> Course:
    """Runs one."""
    folder.mkdir(parents=True)
    (folder / "c.toml").write_text(_config(folder, seed, evaluations, agents, url))
    run(folder / "c.toml", folder / "out")
    born = Archive.open(folder / "out").individuals.values()
    ours = ("founder", "baseline")
    children = [one for one in born if one.recipe.operator != FOUNDER and one.proposer not in ours]
    return Course(children)


def _config(folder: Path, seed: int, evaluations: int, agents: Sequence[str], url: str) -> str:
    models = [str(ZOO / "models" / name) for name in EXPERTS]
    lines = [f'name = "agents"\nseed = {seed}\n[founders]\nbase = "{ZOO}/models/base"']
    lines += [f'models = {json.dumps(models)}\n[engine]\ntype = "transformers"']
    lines += ["[cluster]\nworkers = 0"]
    lines += [f'[strategy]\ntype = "steady_state"\nevaluations = {evaluations}']
    lines += ["population = 12\nlag = 8\nbatch = 2"]
    for name in EXPERTS:
        for split, items in (("search", SEARCHED), ("test", TESTED)):
            kept = (ZOO / "tasks" / f"{name}.{split}.jsonl").read_text().splitlines()[:items]
            (folder / f"{name}.{split}.jsonl").write_text("\n".join(kept))
        lines += [f'[[tasks]]\nname = "{name}"\nkind = "likelihood"']
        lines += [f'search = "{name}.search.jsonl"\ntest = "{name}.test.jsonl"']
    for name in agents:
        lines += [f'[[agents.endpoints]]\nmodel = "{name}"\nbase_url = "{url}"\nretries = 0']
    return "\n".join(lines)


def row(label: str, courses: Sequence[Course], targets: Sequence[float]) -> str:
    """One line of the table."""
    count = len(courses[0].children)
    reached = [one.reached(target) for one, target in zip(courses, targets, strict=True)]
    never = sum(one is None for one in reached)
    median = statistics.median(count + 1 if one is None else one for one in reached)
    first = "never" if median > count else f"{median:g}" + (f" ({never} never)" if never else "")
    finals = [one.final for one in courses]
    shares = [
        f"{statistics.mean(found):.0%} ({max(found):.0%})" if max(found) else "-"
        for found in ([one.share(agent) for one in courses] for agent in ("good", "bad", "poor"))
    ]
    middle = f"{statistics.median(finals):.4f} ({min(finals):.4f} to {max(finals):.4f})"
    return f"| {label} | {first} | {middle} | {' | '.join(shares)} |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    print("| agents | evaluations to the target | final fitness | good's | bad's | poor's |")
    print("|---|---|---|---|---|---|")
    targets: list[float] = []
    with tempfile.TemporaryDirectory() as scratch, serving() as url:
        for number, (label, agents) in enumerate(LINE_UPS.items()):
            courses = [
                campaign(Path(scratch) / f"{number}-{seed}", seed, asked.evaluations, agents, url)
                for seed in range(asked.seeds)
            ]
            targets = targets or [one.final for one in courses]
            print(row(label, courses, targets), flush=True)


if __name__ == "__main__":
    main()
