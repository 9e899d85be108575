"""From a section of agents to a counsel; what is missing is told before anything starts."""

from collections.abc import Callable
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.chat.key import key_of
from speciate.configs import schema
from speciate.configs.agents import Agents
from speciate.counsel import Counsel, Nobody
from speciate.counsel.agents import AgentCounsel, Outside
from speciate.counsel.journal import FOLDER, Journal
from speciate.counsel.prompts import founded, versions
from speciate.counsel.questions import Asker
from speciate.counsel.telling import Telling
from speciate.errors import ConfigError, UsageError
from speciate.population.goals import Goals
from speciate.records import State
from speciate.sandbox import available

_REPLIES = "replies"


def check_agents(config: schema.Campaign, replay: Path | None) -> None:
    """Looks for keys and a sandbox.

    Raises:
        ConfigError: Something that agents need is missing on this machine.
        UsageError: There is nothing to replay, or nobody to be replayed.
    """
    agents = config.agents
    if agents is None:
        if replay is not None and config.islands is None:
            what = "the campaign has no agents and no islands to replay"
            raise UsageError(f"{what}; run it without --replay")
        return
    if any("coder" in one.roles for one in agents.endpoints) and (why := available()):
        raise ConfigError(f"agents.endpoints: a coder's operators need a sandbox: {why}")
    if replay is not None:
        Journal.of(replay, replay)
        return
    for endpoint in agents.endpoints:
        key_of(endpoint)


def check_prompts(archive: Archive, config: schema.Campaign) -> None:
    """Looks for versions of prompts that alone are to answer.

    Raises:
        ConfigError: There is no such version.
    """
    if config.agents is None:
        return
    known = versions(founded(config.agents, archive.state or State()))
    for name in config.agents.pinned:
        if name not in known:
            names = ", ".join(known)
            raise ConfigError(f"agents.pinned: no prompt has a version '{name}'; known: {names}")


def engaged(
    archive: Archive,
    config: schema.Campaign,
    goals: Goals,
    replay: Path | None,
    note: Callable[[str], None],
    heed: Callable[[], None],
) -> Counsel:
    """The counsel of a campaign: of its agents, or of nobody.

    Args:
        archive: Of the campaign.
        config: Of the campaign.
        goals: Of the campaign.
        replay: Folder of a campaign to be replayed, if one is.
        note: Tells people what agents do.
        heed: Raises what ends the asking, if somebody asked to stop.
    """
    agents: Agents | None = config.agents
    if agents is None:
        return Nobody()
    journal = Journal.of(archive.folder, replay)
    asker = Asker(agents, journal, archive.folder / FOLDER / _REPLIES, config.seed, heed)
    lines, telling = archive.telemetry.read, Telling(note, archive.folder)
    outside = Outside(journal, archive.drafts, asker, lines, telling)
    return AgentCounsel(config, agents, goals, outside)
