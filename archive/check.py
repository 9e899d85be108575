"""The whole archive checked against itself."""

from speciate.archive import manifest
from speciate.archive.history import History
from speciate.archive.manifest import FETCH
from speciate.archive.message import ABBREVIATION
from speciate.archive.repository import Repository
from speciate.archive.steps import member_path
from speciate.errors import DamageError


def problems(repository: Repository, head: str) -> list[str]:
    """What is wrong with the archive up to `head`, one line each with a remedy; empty when whole.

    Checked are git's own objects, each individual's recipe against its id, its commit's parents
    against its recipe, that parents were born first, and that members are recorded.
    """
    found = [f"git fsck: {line}; {FETCH}" for line in repository.fsck()]
    history = History()
    try:
        history.extend(repository, head, lambda damage: found.append(str(damage)))
        found += _members(repository, head, history)
    except DamageError as damage:
        found.append(str(damage))
    return found


def _members(repository: Repository, head: str, history: History) -> list[str]:
    """Members whose record in the last step is not their own."""
    state = repository.read_one(f"{head}:state.json")
    if state is None:
        return []
    members = manifest.read_state(state[1], "the last step").members
    files = repository.read(f"{head}:{member_path(id_)}" for id_ in members)
    wrong = []
    for id_, file in zip(members, files, strict=True):
        record = history.records.get(id_)
        # A member without a record was reported with its step.
        if record and (
            not file or file[1] != manifest.member_file(record.individual, record.commit)
        ):
            wrong.append(f"{member_path(id_)} is not the record of {id_[:ABBREVIATION]}; {FETCH}")
    return wrong
