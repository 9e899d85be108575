"""Strategies played against scripted scores."""

import pytest
from toy import Toy


@pytest.fixture(scope="session")
def toy() -> Toy:
    """What strategies are tested with."""
    return Toy()
