"""Runs programs that nobody vouches for, in sandboxes made by bubblewrap; see docs/sandbox.md.

Stages may import this, as they may `speciate.errors`: it knows nothing of campaigns.
"""

from speciate.sandbox.command import python as python
from speciate.sandbox.program import Limits as Limits
from speciate.sandbox.program import Program as Program
from speciate.sandbox.program import Ran as Ran
from speciate.sandbox.running import available as available
from speciate.sandbox.running import run as run
from speciate.sandbox.running import run_linked as run_linked
from speciate.sandbox.session import Patience as Patience
from speciate.sandbox.session import Session as Session

__all__ = [
    "Limits",
    "Patience",
    "Program",
    "Ran",
    "Session",
    "available",
    "python",
    "run",
    "run_linked",
]
