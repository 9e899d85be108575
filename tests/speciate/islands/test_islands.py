"""Two real campaigns that exchange migrants, and strangers who would send some."""

import json
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from speciate.archive.archive import Archive
from speciate.archive.repository import Repository
from speciate.archive.sharing.migrants import publish, receive
from speciate.configs.islands import Islands
from speciate.configs.load import validated
from speciate.errors import ConfigError, SpeciateError, UsageError
from speciate.evaluator import Engine
from speciate.records import Individual, Parent, Recipe, State
from speciate.session import run
from speciate.verify import verify

STRATEGY = """type = "steady_state"
population = 3
evaluations = 6
lag = 2
founding = "founders"
crossover_rate = 1.0"""


class Notes:
    """A view that keeps what people are told; what it does besides may end the campaign."""

    def __init__(
        self,
        scored: Callable[[], None] = lambda: None,
        archived: Callable[[State], None] = lambda _: None,
    ) -> None:
        self.said: list[str] = []
        self._scored, self._archived = scored, archived

    def candidate(self, done: int, total: int) -> None:
        self._scored()

    def engine(self, work: object, busy: float) -> None: ...

    def note(self, text: str) -> None:
        self.said.append(text)

    def step(self, state: State, *_: object) -> None:
        self._archived(state)


class Site:
    """Where islands lie, and the engine that serves them all."""

    def __init__(self, folder: Path, zoo: Path, engine: Engine) -> None:
        self.folder, self.zoo, self._engine = folder, zoo, engine
        self.sea = folder / "sea.git"
        subprocess.run(["git", "init", "--bare", "--quiet", self.sea], check=True)
        for name, text in (("search", "def f(x): return x"), ("test", "held out")):
            (folder / f"{name}.jsonl").write_text(json.dumps({"text": text}))

    def config(
        self, name: str, more: str = "", models: Sequence[str] = ("english", "tests")
    ) -> Path:
        path = self.folder / f"{name}.toml"
        folders = [f"{self.zoo}/models/{model}" for model in models]
        path.write_text(
            f'name = "{name}"\ncluster = {{ workers = 0 }}\n'
            f"[founders]\nmodels = {json.dumps(folders)}\n"
            '[engine]\ntype = "transformers"\n[store]\ndtype = "float32"\n[[tasks]]\nname = "t"\n'
            'kind = "likelihood"\nsearch = "search.jsonl"\ntest = "test.jsonl"\n'
            f'[strategy]\n{STRATEGY}\n[islands]\nremote = "sea.git"\nname = "{name}"\n'
            'among = ["north", "south"]\nevery = 2\nemigrants = 3\nimmigrants = 2\n'
            f'choose = "random"\n{more}'
        )
        return path

    def run(
        self,
        name: str,
        out: str = "",
        sets: Sequence[str] = (),
        view: Notes | None = None,
        replay: Path | None = None,
    ) -> Archive:
        view = view or Notes()
        folder = self.folder / (out or f"out-{name}")
        path = self.folder / f"{name}.toml"
        run(path, folder, sets, lambda _: view, lambda *_: self._engine, replay=replay)
        return Archive.open(folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, zoo: Path, transformers: Engine) -> Site:
    site = Site(tmp_path_factory.mktemp("islands"), zoo, transformers)
    site.config("north")
    site.config("south")
    return site


@pytest.fixture(scope="module")
def north(site: Site) -> Archive:
    """A campaign to whom nobody comes, since it is the first."""
    return site.run("north")


@pytest.fixture(scope="module")
def south(site: Site, north: Archive) -> Archive:
    """One to whom come those that the other left behind."""
    return site.run("south")


def _migrants(archive: Archive) -> list[Individual]:
    found = [one for one in archive.individuals.values() if "a migrant from" in one.reason]
    return [one for one in found if not one.error]


def test_migrants_come_with_their_ancestors_and_are_measured_anew(
    north: Archive, south: Archive
) -> None:
    migrants = _migrants(south)
    assert migrants
    for one in migrants:
        there = north.individuals[one.id]
        assert (one.recipe, one.digest) == (there.recipe, there.digest)
        assert one.proposer == "island south"
        assert one.reason == "a migrant from north"
        assert one.evaluation
    ancestors = [one for one in south.individuals.values() if one.error]
    assert ancestors
    assert {one.error for one in ancestors} == {"an ancestor of a migrant; not scored here"}
    assert {one.id for one in ancestors} < set(north.individuals)
    assert not _migrants(north)


def test_archives_with_migrants_are_whole_and_can_be_rebuilt(south: Archive) -> None:
    assert south.fsck() == []
    migrants = _migrants(south)
    assert verify(south, [one.id for one in migrants], lambda _: None) == []
    assert south.report


def test_islands_of_one_seed_breed_apart(north: Archive, south: Archive) -> None:
    assert north.config["seed"] != south.config["seed"]
    assert "remote" not in south.config["islands"]


def test_the_same_migrants_give_the_same_archive(site: Site, south: Archive) -> None:
    """Nobody is asked: the sea is not even there."""
    site.sea.rename(site.folder / "gone")
    try:
        again = site.run("south", "again", replay=south.folder)
    finally:
        (site.folder / "gone").rename(site.sea)
    assert again.head == south.head
    # With a journal of its own it needs no other to be replayed once more.
    assert site.run("south", "third", replay=again.folder).head == south.head


def test_an_island_killed_in_mid_step_goes_on_to_the_same_end(site: Site, south: Archive) -> None:
    """Those who came are known by then; that they are gone from the remote changes nothing."""
    journal = site.folder / "killed" / "islands" / "000002.json"
    migrants = [line.split() for line in _git(site.sea, "show-ref").splitlines() if "north" in line]

    def kill() -> None:
        if journal.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.run("south", "killed", view=Notes(scored=kill))
    state = Archive.open(site.folder / "killed").state
    assert state
    assert state.step == 2
    for _, ref in migrants:
        _git(site.sea, "update-ref", "-d", ref)

    def come_back(_: State) -> None:
        for commit, ref in migrants:
            _git(site.sea, "update-ref", ref, commit)

    assert site.run("south", "killed", view=Notes(archived=come_back)).head == south.head


def test_a_remote_that_is_away_ends_nothing(site: Site, north: Archive) -> None:
    view = Notes()
    shutil.copytree(site.sea, site.folder / "other.git")
    (site.folder / "other.git" / "HEAD").unlink()
    alone = site.run("south", "alone", ["islands.remote=other.git"], view)
    assert alone.report
    assert not _migrants(alone)
    assert any("nobody was taken from north: " in line for line in view.said)
    assert any("nobody was sent: " in line for line in view.said)


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Stranger:
    """Writes individuals as speciate does, and says of them what it likes."""

    def __init__(self, site: Site, north: Archive) -> None:
        self.remote = site.folder / "strange.git"
        subprocess.run(["git", "init", "--bare", "--quiet", self.remote], check=True)
        self.folder = site.folder / "stranger"
        founders = [one for one in north.individuals.values() if not one.recipe.parents]
        self.founders = [one.id for one in founders]
        self.born = founders

    def sends(self, *lines: Sequence[Individual]) -> None:
        """The last of each line, with all of them as ancestors that can be looked up."""
        with Archive.create(self.folder, {}) as archive:
            archive.commit_step(State(0), [*self.born, *(one for line in lines for one in line)])
        publish(archive, str(self.remote), "north", [line[-1].id for line in lines])


@pytest.fixture
def stranger(site: Site, north: Archive) -> Stranger:
    for name in ("strange.git", "stranger", "out-strange"):
        shutil.rmtree(site.folder / name, ignore_errors=True)
    return Stranger(site, north)


def _child(
    parents: Sequence[str],
    operator: str = "linear",
    parameters: dict[str, object] | None = None,
    digest: str | None = "1" * 64,
    seed: int = 0,
) -> Individual:
    roles = tuple(Parent(id_, "model") for id_ in parents)
    recipe = Recipe(operator, roles, parameters or {}, seed)
    return Individual(recipe, digest, 0, "stranger", error=None if digest else "failed")


SOURCE = "def merge(models, base, parameters, random):\n    return models[0]\n"


def test_who_cannot_be_rebuilt_is_not_let_in(site: Site, stranger: Stranger) -> None:
    foreign = Recipe("founder", (), {"name": "elsewhere", "digest": "2" * 64}, 0)
    elsewhere = Individual(foreign, "2" * 64, 0, "founder")
    two = stranger.founders[:2]
    first = _child(two, seed=1)
    second = _child([first.id, *two], seed=1)
    lines = {
        "its recipe gives weights": [_child(two)],
        "islands.code = true": [_child(two, "evolved", {"source": SOURCE, "values": {}})],
        "'stack', by which no island breeds": [_child(two, "stack")],
        "unknown parameter 'path'": [_child(two, "linear", {"path": "/etc/passwd"})],
        "failed where it was born": [_child(two, digest=None, seed=2)],
        "a founder 'elsewhere' that this campaign": [elsewhere, _child([foreign.id, two[0]])],
        "2 ancestors that are unknown": [first, second, _child([second.id, first.id], seed=1)],
    }
    stranger.sends(*lines.values())

    def stop(state: State) -> None:
        if state.step == 3:
            raise KeyboardInterrupt

    view = Notes(archived=stop)
    with pytest.raises(KeyboardInterrupt):
        sets = ["islands.remote=strange.git", "islands.ancestors=1"]
        site.run("south", "out-strange", sets, view)
    told = [text for text in view.said if "was refused" in text]
    assert len(told) == len(lines)
    for (complaint, line), text in zip(lines.items(), told, strict=True):
        assert f"migrant {line[-1].id[:10]} from north was refused: " in text
        assert complaint in text
    archive = Archive.open(site.folder / "out-strange")
    assert not {line[-1].id for line in lines.values()} & archive.individuals.keys()
    assert json.loads((archive.folder / "islands" / "000002.json").read_text()) == []


def test_a_campaign_is_no_migrant(stranger: Stranger) -> None:
    stranger.sends([_child(stranger.founders[:2])])
    main = Archive.open(stranger.folder).head
    _git(stranger.remote, "fetch", "--quiet", str(stranger.folder), main)
    _git(stranger.remote, "update-ref", "refs/islands/north/0", main)
    with pytest.raises(SpeciateError, match="lacks an individual's files"):
        receive(str(stranger.remote), "north")
    config = _git(stranger.remote, "rev-parse", f"{main}:campaign.json")
    _git(stranger.remote, "update-ref", "refs/islands/north/0", config)
    with pytest.raises(SpeciateError, match="is no individual's commit"):
        receive(str(stranger.remote), "north")


def test_an_edited_migrant_is_refused(stranger: Stranger) -> None:
    stranger.sends([_child(stranger.founders[:2])])
    repository = Repository(stranger.remote)
    tip = _git(stranger.remote, "rev-parse", "refs/islands/north/0")
    found = repository.read_one(tip)
    assert found
    text = found[1].replace(b"proposer: ", b"proposer: \x1b[2J")
    command = ["git", "-C", str(stranger.remote), "hash-object", "-wt", "commit", "--stdin"]
    forged = subprocess.run(command, input=text, check=True, capture_output=True).stdout.decode()
    _git(stranger.remote, "update-ref", "refs/islands/north/0", forged.strip())
    with pytest.raises(SpeciateError, match="holds more than speciate writes"):
        receive(str(stranger.remote), "north")
    _git(stranger.remote, "update-ref", "refs/islands/north/x", tip)
    with pytest.raises(SpeciateError, match="is no place of a migrant"):
        receive(str(stranger.remote), "north")


def test_emigrants_replace_those_sent_before(stranger: Stranger) -> None:
    line = [_child(stranger.founders[:2])]
    line.append(_child([line[0].id, *stranger.founders[:2]]))
    stranger.sends(line)
    archive = Archive.open(stranger.folder)
    ids = [one.id for one in line]
    publish(archive, str(stranger.remote), "north", ids)
    assert [one.id for one in receive(str(stranger.remote), "north")] == ids
    publish(archive, str(stranger.remote), "north", ids[1:])
    [migrant] = receive(str(stranger.remote), "north")
    assert [one.id for one in migrant.line] == [*stranger.founders[:2], *ids]
    assert receive(str(stranger.remote), "south") == []


def test_the_section_in_the_docs_is_one() -> None:
    text = (Path(__file__).parents[3] / "docs" / "sharing.md").read_text()
    toml = text.split("```toml\n")[1].split("```")[0]
    assert validated(Islands, tomllib.loads(toml)["islands"], "docs").among[0] == "north"


def test_sections_are_checked_before_anything_starts(site: Site, tmp_path: Path) -> None:
    for sets, complaint in (
        (
            ['strategy={ type = "greedy_soup" }'],
            "so migrants cannot replace any; leave out islands",
        ),
        (["islands.remote=nowhere"], "no such folder; make it with `git init --bare"),
        (["islands.remote=ext::sh -c x"], "is no address"),
        (['islands.among=["south", "a..b"]'], "cannot be a name in a repository"),
    ):
        with pytest.raises(UsageError, match=complaint):
            site.run("south", str(tmp_path / "out"), sets)
    text = site.config("bare").read_text().replace('remote = "sea.git"\n', "")
    (site.folder / "bare.toml").write_text(text.replace('name = "bare"', 'name = "south"'))
    with pytest.raises(ConfigError, match=r"islands.remote: give the git repository"):
        site.run("bare", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
