"""Weights on demand: from a campaign to a store, and from there to a copy of its archive."""

import functools
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.archive.sharing.pull import pull
from speciate.archive.sharing.push import push
from speciate.archive.sharing.stores import FolderStore, source_at, store_at
from speciate.errors import ArchiveError, DamageError, SpeciateError
from speciate.evaluator import Engine
from speciate.records import Individual, Parent, Recipe
from speciate.session import run
from speciate.travelling import fetch_weights, send_weights
from speciate.verify import verify


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, zoo: Path, transformers: Engine) -> Archive:
    """A campaign of a few offspring."""
    folder = tmp_path_factory.mktemp("travelling")
    for name, text in (("search", "def f(x): return x"), ("test", "held out")):
        (folder / f"{name}.jsonl").write_text(json.dumps({"text": text}))
    models = json.dumps([f"{zoo}/models/{model}" for model in ("english", "tests")])
    path = folder / "small.toml"
    path.write_text(
        f'name = "small"\ncluster = {{ workers = 0 }}\n[founders]\nmodels = {models}\n'
        '[engine]\ntype = "transformers"\n[store]\ndtype = "float32"\n[[tasks]]\nname = "t"\n'
        'kind = "likelihood"\nsearch = "search.jsonl"\ntest = "test.jsonl"\n[strategy]\n'
        'type = "steady_state"\npopulation = 2\nevaluations = 3\nlag = 1\ncrossover_rate = 1.0\n'
    )
    run(path, folder / "out", start=lambda *_: transformers)
    return Archive.open(folder / "out")


@pytest.fixture(scope="module")
def child(done: Archive) -> Individual:
    """Somebody who was bred."""
    return next(one for one in done.individuals.values() if one.recipe.parents and one.digest)


@pytest.fixture(scope="module")
def _made(done: Archive, child: Individual) -> Path:
    """A folder with a remote that has the campaign, a copy of its archive, and a store."""
    folder = done.folder.parent
    subprocess.run(["git", "init", "--bare", "--quiet", folder / "remote.git"], check=True)
    push(done, str(folder / "remote.git"))
    pull(folder / "copy", str(folder / "remote.git"))
    send_weights(done, [child.id], FolderStore(folder / "store"), lambda _: None)
    return folder


@pytest.fixture
def remote(tmp_path: Path, _made: Path) -> str:
    return str(shutil.copytree(_made / "remote.git", tmp_path / "remote.git"))


@pytest.fixture
def copy(tmp_path: Path, _made: Path) -> Archive:
    """An archive without any weights."""
    return Archive.open(shutil.copytree(_made / "copy", tmp_path / "copy"))


@pytest.fixture
def store(tmp_path: Path, _made: Path) -> Path:
    """A folder store with the weights of that child."""
    return shutil.copytree(_made / "store", tmp_path / "store")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of the store's folder on a server of files."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def send_head(self) -> Any:
            if self.path.startswith("/moved/"):
                self.send_response(302)
                self.send_header("Location", self.path.removeprefix("/moved"))
                self.end_headers()
                return None
            return super().send_head()

    handler = functools.partial(Quiet, directory=str(tmp_path / "store"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_weights_travel_by_the_command_line(
    cli: Callable[..., Any], tmp_path: Path, done: Archive, remote: str
) -> None:
    said = cli("push", done.folder, remote, "--weights", tmp_path / "store")
    assert said.status == 0, said
    said = cli("pull", tmp_path / "new", remote, "--weights", tmp_path / "store")
    assert said.status == 0, said
    copy = Archive.open(tmp_path / "new")
    assert copy.state
    assert copy.weights.digests() == {copy.individuals[id_].digest for id_ in copy.state.members}
    copy.set_founder_paths(done.founder_paths)
    assert verify(copy, copy.state.members, lambda _: None) == []
    said = cli("pull", copy.folder, remote, "--json")
    value = json.loads(said.out)
    assert (value["head"], value["steps"], value["ahead"]) == (done.head, 0, False)
    said = cli("pull", copy.folder, remote, done.state and done.state.members[0])
    assert said.status == 2
    assert "add --weights STORE" in said.err


def test_what_is_missing_is_rebuilt_and_founders_are_sent_too(
    done: Archive, tmp_path: Path, copy: Archive
) -> None:
    """From a copy that has no weights, but knows where the founders are."""
    told: list[str] = []
    copy.set_founder_paths(done.founder_paths)
    ids = list(copy.individuals)
    send_weights(copy, ids, FolderStore(tmp_path / "store"), told.append)
    assert len(list((tmp_path / "store").iterdir())) == len(ids)
    assert not copy.weights.digests()
    send_weights(copy, ids[:1], FolderStore(tmp_path / "store"), told.append)
    assert "the store has" in told[-1]
    assert {path.name for path in copy.folder.iterdir()} >= {".git"}
    assert not list(copy.folder.glob(".send-*"))


@pytest.mark.parametrize("kind", ["folder", "http"])
def test_stores_of_each_kind_give_the_same_files(
    kind: str, store: Path, served: str, copy: Archive, child: Individual
) -> None:
    source = source_at(str(store) if kind == "folder" else f"{served}/")
    assert source.has(str(child.digest))
    assert not source.has("0" * 64)
    told: list[str] = []
    fetch_weights(copy, [child.id], source, told.append)
    fetch_weights(copy, [child.id], source, told.append)
    assert [line.split(": ")[1][:7] for line in told] == ["fetched", "here al"]
    stored = copy.weights.path(str(child.digest))
    assert stored
    sent = {path.name: path.read_bytes() for path in (store / str(child.digest)).iterdir()}
    assert {path.name: path.read_bytes() for path in stored.iterdir()} | {
        "files.json": sent["files.json"]
    } == sent


def _edit(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def _other_weights(model: Path) -> None:
    data = bytearray((model / "model.safetensors").read_bytes())
    data[-100] ^= 1
    (model / "model.safetensors").write_bytes(data)


def _list(model: Path, **files: object) -> None:
    _edit(model / "files.json", **files)


WRONG: dict[str, tuple[Callable[[Path], None], str]] = {
    "other weights": (_other_weights, "has weights .* for .*; do not use it"),
    "half a file": (
        lambda model: (model / "model.safetensors").write_bytes(b"{}") and None,
        "has no whole model",
    ),
    "code to run": (
        lambda model: _edit(model / "config.json", auto_map={"AutoModel": "evil.Model"}),
        "names code to run",
    ),
    "code of a tokenizer": (
        lambda model: _edit(model / "tokenizer_config.json", auto_map={"x": "evil.T"}),
        "names code to run",
    ),
}
LISTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a path": (lambda model: _list(model, **{"../../x.json": 1}), r"lists the file '../../x.json'"),
    "a program": (lambda model: _list(model, **{"setup.py": 1}), "lists the file 'setup.py'"),
    "a hidden file": (lambda model: _list(model, **{".x.json": 1}), "lists the file"),
    "too much": (lambda model: _list(model, **{"x.json": 2**60}), "sizes that no model has"),
    "less than nothing": (lambda model: _list(model, **{"x.json": -1}), "sizes that no model has"),
    "no numbers": (lambda model: _list(model, **{"x.json": "1"}), "is no list of files"),
    "a shorter file": (lambda model: _list(model, **{"config.json": 3}), "longer than listed"),
    "a longer file": (lambda model: _list(model, **{"config.json": 2**20}), "shorter than listed"),
    "a file that is not there": (lambda model: _list(model, **{"x.json": 1}), "x.json: status 404"),
    "too many": (
        lambda model: _list(model, **{f"{number}.json": 1 for number in range(3000)}),
        "which no model has",
    ),
}


def _is_refused(copy: Archive, child: Individual, place: str, complaint: str) -> None:
    with pytest.raises(SpeciateError, match=complaint) as error:
        fetch_weights(copy, [child.id], source_at(place), lambda _: None)
    assert str(error.value).isprintable()
    assert not copy.weights.digests()
    assert not list(copy.weights.folder.iterdir())


@pytest.mark.parametrize("case", WRONG)
def test_a_store_is_not_believed(case: str, store: Path, copy: Archive, child: Individual) -> None:
    edit, complaint = WRONG[case]
    edit(store / str(child.digest))
    _is_refused(copy, child, str(store), complaint)


@pytest.mark.parametrize("case", LISTS)
def test_a_list_of_files_is_not_believed(
    case: str, store: Path, served: str, copy: Archive, child: Individual
) -> None:
    edit, complaint = LISTS[case]
    edit(store / str(child.digest))
    _is_refused(copy, child, served, complaint)


def test_redirects_and_silence(served: str, store: Path, copy: Archive, child: Individual) -> None:
    _is_refused(copy, child, f"{served}/moved", "status 302")
    _is_refused(copy, child, "http://127.0.0.1:9", "try again, or elsewhere")
    assert not source_at(f"{served}/moved").has(str(child.digest))


def test_links_and_programs_in_a_store_stay_there(
    store: Path, copy: Archive, child: Individual, tmp_path: Path
) -> None:
    model = store / str(child.digest)
    (tmp_path / "secret.json").write_text("{}")
    (model / "extra.json").symlink_to(tmp_path / "secret.json")
    (model / "modeling.py").write_text("raise SystemExit")
    (model / "folder.json").mkdir()
    fetch_weights(copy, [child.id], source_at(str(store)), lambda _: None)
    stored = copy.weights.path(str(child.digest))
    assert stored
    assert not {"extra.json", "modeling.py", "folder.json"} & {p.name for p in stored.iterdir()}
    # A folder that is a link is no model of the store's.
    model.rename(tmp_path / "elsewhere")
    model.symlink_to(tmp_path / "elsewhere")
    shutil.rmtree(stored)
    _is_refused(copy, child, str(store), "has no weights")


def test_who_failed_has_no_weights(copy: Archive, tmp_path: Path) -> None:
    roles = (Parent(next(iter(copy.individuals)), "model"),)
    failed = Individual(Recipe("linear", roles, {}, 9), None, 1, "x", error="no")
    with Archive.open(copy.folder, writable=True) as archive:
        assert archive.state
        archive.commit_step(archive.state, [failed])
    with pytest.raises(ArchiveError, match="failed and has no weights"):
        send_weights(archive, [failed.id], FolderStore(tmp_path / "store"), lambda _: None)


def test_only_folders_are_written_to(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="can only be read; give the folder that is served"):
        store_at("https://site/store")


def test_a_digest_that_was_made_up_is_found_by_rebuilding(
    done: Archive, copy: Archive, tmp_path: Path, remote: str
) -> None:
    """It may be recorded, pushed and pulled: only the weights can tell."""
    two = tuple(Parent(id_, "model") for id_ in list(copy.individuals)[:2])
    forged = Individual(Recipe("linear", two, {}, 9), "1" * 64, 1, "x", error="not scored")
    with Archive.open(copy.folder, writable=True) as archive:
        assert archive.state
        archive.commit_step(archive.state, [forged])
    push(archive, remote)
    pull(tmp_path / "other", remote)
    other = Archive.open(tmp_path / "other")
    other.set_founder_paths(done.founder_paths)
    [problem] = verify(other, [forged.id], lambda _: None)
    assert "its recipe gives weights" in problem
    with pytest.raises(DamageError, match="its recipe gives weights"):
        send_weights(other, [forged.id], FolderStore(tmp_path / "store"), lambda _: None)
