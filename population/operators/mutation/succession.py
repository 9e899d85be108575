"""Succession of GENOME+: one particle-swarm step of an individual's weights.

Kennedy and Eberhart, "Particle swarm optimization", 1995, with a push away from the worst.
"""

from torch import Tensor

from speciate.configs.operators.mutation import Succession
from speciate.population.operators.operator import ONE, Locus, Operator
from speciate.population.operators.stages import weighted_sum

ROLES = dict.fromkeys(
    ("current", "personal_best", "best", "worst", "inertia_from", "inertia_to"), ONE
)


def merge(locus: Locus, parameters: Succession, _: None) -> Tensor:
    """The current weights x plus `step` times the velocity.

    The velocity is the mean, weighted by the coefficients, of the last velocity and the pulls
    towards the personal best and the best and away from the worst. The last velocity is kept as
    the models it led from and to. Without any pull the individual stays where it is.
    """
    x, mine, best, worst, start, end = (locus.tensors[role][0] for role in ROLES)
    inertia = parameters.inertia / parameters.inertia_step
    strength = parameters.inertia + parameters.cognitive + parameters.social + parameters.repulsion
    if strength == 0:
        return x
    pulls = [end - start, mine - x, best - x, worst - x]
    signed = (inertia, parameters.cognitive, parameters.social, -parameters.repulsion)
    factor = parameters.step / strength
    return x + weighted_sum(pulls, [coefficient * factor for coefficient in signed])


OPERATOR = Operator("succession", "mutation", ROLES, Succession, merge, paper="GENOME+")
