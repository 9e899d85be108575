"""All that a campaign is made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from speciate.archive.archive import Archive
from speciate.configs import schema
from speciate.counsel import Counsel
from speciate.desk import Desk
from speciate.fits import Fits
from speciate.islands import Islands
from speciate.population.founders import Founder
from speciate.population.strategies import Strategy
from speciate.stopping import Stopping
from speciate.watch import Watch


@dataclass(frozen=True)
class Stages:
    """Made once by the session, and passed in."""

    config: schema.Campaign
    founders: Sequence[Founder]
    strategy: Strategy
    counsel: Counsel
    desk: Desk
    archive: Archive
    watch: Watch
    islands: Islands
    fits: Fits | None = None
    stopping: Stopping = field(default_factory=Stopping)
