"""From a section of agents to a counsel; what is missing is told before anything starts."""

from pathlib import Path

from speciate.archive.archive import Archive
from speciate.chat.key import key_of
from speciate.configs import schema
from speciate.configs.agents import Agents
from speciate.counsel import Counsel, Nobody
from speciate.counsel.agents import AgentCounsel
from speciate.counsel.journal import Journal
from speciate.counsel.questions import Asker
from speciate.errors import ConfigError, UsageError
from speciate.population.goals import Goals
from speciate.sandbox import available

FOLDER = "agents"
"""Of a campaign: holds what agents said."""
_JOURNAL, _REPLIES = "journal", "replies"


def check_agents(config: schema.Campaign, replay: Path | None) -> None:
    """Looks for keys and a sandbox.

    Raises:
        ConfigError: Something that agents need is missing on this machine.
        UsageError: There is nothing to replay, or nobody to be replayed.
    """
    agents = config.agents
    if agents is None:
        if replay is not None:
            raise UsageError("the campaign has no agents to replay; run it without --replay")
        return
    if any("coder" in one.roles for one in agents.endpoints) and (why := available()):
        raise ConfigError(f"agents.endpoints: a coder's operators need a sandbox: {why}")
    if replay is not None:
        _journal(replay, replay)
        return
    for endpoint in agents.endpoints:
        key_of(endpoint)


def engaged(
    archive: Archive, config: schema.Campaign, goals: Goals, replay: Path | None
) -> Counsel:
    """The counsel of a campaign: of its agents, or of nobody."""
    agents: Agents | None = config.agents
    if agents is None:
        return Nobody()
    folder = archive.folder / FOLDER
    journal = _journal(archive.folder, replay)
    asker = Asker(agents, journal, folder / _REPLIES, config.seed)
    lines = archive.telemetry.read
    return AgentCounsel(config, agents, goals, journal, archive.drafts, asker, lines)


def _journal(campaign: Path, replay: Path | None) -> Journal:
    replayed = replay / FOLDER / _JOURNAL if replay else None
    return Journal(campaign / FOLDER / _JOURNAL, replayed)
