"""A cluster of several nodes on this machine, and a small campaign that can be disturbed."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from speciate.archive.archive import Archive
from speciate.session import run

HERE = Path(__file__).parent
Disturb = Callable[..., Path]


@pytest.fixture(scope="session")
def marks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that misbehaving workers look into."""
    return tmp_path_factory.mktemp("marks")


@pytest.fixture
def disturb(marks: Path) -> Disturb:
    """Says what is to happen, in the same words as `misbehaving`."""

    def asked(*names: str) -> Path:
        for file in marks.iterdir():
            file.unlink()
        for name in names:
            (marks / name).touch()
        return marks

    return asked


@pytest.fixture(scope="session")
def cluster(marks: Path) -> Iterator[Cluster]:
    """A head without room for workers, and a node with room for two."""
    saved = dict(os.environ)
    os.environ |= {
        "MISBEHAVE": str(marks),
        # An empty entry would be the current folder, and hide the installed package.
        "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    # Dead nodes are to be missed at once.
    quick = {"health_check_period_ms": 1000, "health_check_failure_threshold": 8}
    quick |= {"health_check_initial_delay_ms": 0}
    made = Cluster(True, head_node_args={"num_cpus": 0, "_system_config": quick})
    made.add_node(num_cpus=2)
    yield made
    made.shutdown()
    for name in os.environ.keys() - saved.keys():
        del os.environ[name]
    os.environ.update(saved)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, zoo: Path) -> Path:
    """A campaign of ten offspring, whose workers can misbehave."""
    folder = tmp_path_factory.mktemp("small")
    models = [str(zoo / "models" / name) for name in ("library", "english", "tests")]
    for split, texts in {"search": ["import os", "def main():"], "test": ["class A:"]}.items():
        lines = [json.dumps({"text": text}) for text in texts]
        (folder / f"{split}.jsonl").write_text("\n".join(lines))
    path = folder / "small.toml"
    path.write_text(f"""
        name = "small"
        founders = {{ base = "{zoo}/models/base", models = {json.dumps(models)} }}
        engine = {{ type = "transformers" }}
        [[tasks]]
        name = "t"
        kind = "plugin"
        entry_point = "misbehaving:Misbehaving"
        search = "search.jsonl"
        test = "test.jsonl"
        [strategy]
        type = "genome"
        generations = 2
        population = 4
        crossover_rate = 1.0
        mutation_rate = 0.5
    """)
    return path


@pytest.fixture(scope="session")
def undisturbed(small: Path) -> Iterator[Archive]:
    """The campaign without a cluster."""
    patch = pytest.MonkeyPatch()
    patch.syspath_prepend(HERE)
    run(small, small.parent / "undisturbed", ["cluster.workers=0"])
    yield Archive.open(small.parent / "undisturbed")
    patch.undo()
