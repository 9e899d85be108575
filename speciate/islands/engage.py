"""From a section of islands to a place among them; what is wrong is told before anything starts."""

from collections.abc import Callable
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.archive.sharing.address import address, local_path
from speciate.archive.sharing.names import checked
from speciate.configs import schema
from speciate.errors import ConfigError
from speciate.islands import Alone, Islands
from speciate.islands.archipelago import Archipelago, Sea
from speciate.islands.border import Border
from speciate.islands.journal import Journal
from speciate.nursery import Nursery
from speciate.records import derive_seed
from speciate.worker import Setup


def check_islands(config: schema.Campaign, root: Path, replay: Path | None) -> None:
    """Looks whether the remote can be used, as far as can be told without a network.

    Raises:
        ConfigError: None is given.
        ArchiveError: Its address is not one that is safe to use, or an island has a name that a
            repository cannot have.
    """
    if config.islands and replay is None:
        for name in config.islands.among:
            checked(name)
        if config.islands.remote is None:
            raise ConfigError("islands.remote: give the git repository that the islands share")
        address(_remote(config.islands.remote, root))


def by_itself(config: schema.Campaign) -> schema.Campaign:
    """The campaign of this island: of one seed, each island draws numbers of its own."""
    if config.islands is None:
        return config
    seed = derive_seed(config.seed, "island", config.islands.name) >> 1
    return config.model_copy(update={"seed": seed})


def at_sea(
    archive: Archive, setup: Setup, root: Path, replay: Path | None, note: Callable[[str], None]
) -> Islands:
    """The islands of a campaign.

    Args:
        archive: Of the campaign, open for writing.
        setup: Of the campaign.
        root: Folder that a relative path of the remote starts from.
        replay: Folder of a campaign whose migrants are taken instead of those that come.
        note: Tells people what happens.
    """
    config = setup.config.islands
    if config is None:
        return Alone()
    paths = {founder.recipe.id: founder.path for founder in setup.founders}
    border = Border(config, Nursery(paths, archive.weights, setup.config.store))
    remote = _remote(config.remote, root) if config.remote and replay is None else None
    sea = Sea(remote, Journal(archive.folder, replay), border, note)
    return Archipelago(config, setup.config.seed, archive, sea)


def _remote(remote: str, root: Path) -> str:
    """A path that starts from the campaign's file; other addresses as they are."""
    if remote.startswith(("/", "~", "file:")) or local_path(remote) is None:
        return remote
    return str(root / remote)
