"""How akin the living are, where it was measured before."""

import math

import numpy as np

from speciate.population.kinship.moments import Kinship
from speciate.report import labels
from speciate.report.figure import Cells, Figure
from speciate.report.people import Floats, People

_MOST = 40
_MEASURE = "cosine"


def kinship(people: People, known: Kinship) -> Figure | None:
    """What is remembered of kinship, of as many as fit; None if of nobody in the archive."""
    places = {id_: place for place, id_ in enumerate(people.ids)}
    numbers = [number for number, id_ in enumerate(known.ids) if id_ in places][:_MOST]
    if len(numbers) < 2:
        return None
    matrix = known.matrix(_MEASURE)[np.ix_(numbers, numbers)]
    names = [labels.individual(people, places[known.ids[number]]) for number in numbers]
    few = "" if len(numbers) == len(known.ids) else f", {len(numbers)} of {len(known.ids)}"
    return Figure(
        "kinship",
        "Kinship",
        f"Cosine of task vectors of those that kinship was last measured of{few}: how alike what "
        "changed in their weights is. The further from the page's own colour, the more akin; "
        "colours reach from the least to the most akin pair.",
        "",
        "",
        [
            Cells(
                names,
                names,
                [[_number(share) for share in row] for row in _shares(matrix).tolist()],
                [
                    ["" if math.isnan(one) else f"{one:.2f}" for one in row]
                    for row in matrix.tolist()
                ],
            )
        ],
        height=150 + 24 * len(names),
        legend=False,
    )


def _shares(matrix: Floats) -> Floats:
    """From 0 for the least akin pair to 1 for the most akin; itself each is most akin to."""
    others = matrix[~np.eye(len(matrix), dtype=bool)]
    known = others[~np.isnan(others)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    shares: Floats = np.clip((matrix - low) / (high - low if high > low else 1.0), 0.0, 1.0)
    return shares


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
