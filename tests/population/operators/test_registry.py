import pytest

from speciate.configs.operators import CROSSOVERS, OPERATOR_PARAMETERS
from speciate.configs.operators.task_vectors import Ties
from speciate.errors import ConfigError
from speciate.population.operators.registry import OPERATORS, validate
from speciate.records import Parent, Recipe


def recipe(operator: str, roles: str, **parameters: object) -> Recipe:
    parents = tuple(Parent(f"id{n}", role) for n, role in enumerate(roles.split()))
    return Recipe(operator, parents, parameters, 0)


def test_every_operator_has_its_name_and_the_parameters_of_the_config() -> None:
    assert {
        name: operator.parameters for name, operator in OPERATORS.items()
    } == OPERATOR_PARAMETERS
    assert all(name == operator.name for name, operator in OPERATORS.items())


def test_good_recipe_gives_its_parameters() -> None:
    assert validate(recipe("ties", "base model model", density=0.5)) == Ties(density=0.5)
    swarm = "worst best current personal_best inertia_to inertia_from"
    pulls = dict.fromkeys(("inertia", "cognitive", "social", "repulsion", "step"), 0.1)
    validate(recipe("succession", swarm, **pulls))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (recipe("ties", "base model", density=True), "density: input should be a valid number"),
        (
            recipe("ties", "base model", scale=[{"value": 1, "layers": [7, 0]}]),
            "[7, 0] is not first and last block",
        ),
        (recipe("tie", "model"), "unknown operator 'tie'; did you mean 'ties'?"),
        (recipe("founder", ""), "unknown operator 'founder'; known: "),
        (recipe("linear", ""), "linear: takes one or more 'model' as parent, not 0"),
        (recipe("linear", "model base"), "linear: no parent may be 'base'; known: model"),
        (recipe("ties", "base modle"), "ties: no parent may be 'modle'; did you mean 'model'?"),
        (recipe("ties", "model model"), "ties: takes exactly one 'base' as parent, not 0"),
        (recipe("ties", "base base model"), "ties: takes exactly one 'base' as parent, not 2"),
        (recipe("slerp", "model"), "slerp: takes exactly two 'model' as parent, not 1"),
        (recipe("slerp", "model model model"), "slerp: takes exactly two 'model' as parent, not 3"),
        (recipe("succession", "current"), "succession: takes exactly one 'personal_best'"),
        (recipe("gaussian", "parent", sgma=1), "unknown parameter 'sgma'; did you mean 'sigma'?"),
        (recipe("gaussian", "parent", sigma=-1.0), "gaussian: sigma: input should be greater than"),
        (recipe("ties", "base model", density=1.5), "density: input should be less than or equal"),
        (recipe("ties", "base model", density=0), "density: input should be greater than 0"),
        (recipe("ties", "base model", scope="layer"), "scope: unknown value 'layer'; known: model"),
        (recipe("slerp", "model model", t=float("nan")), "t: input should be a finite number"),
        (recipe("linear", "model model", weights=[1]), "weights: 1 given for 2 models"),
        (recipe("linear", "model", weights=[]), "weights: 0 given for 1 models"),
        (recipe("dare_ties", "base model", weights=[1, 2]), "weights: 2 given for 1 models"),
        (recipe("linear", "model model", weights=[1, -1]), "linear: weights: sum to 0"),
        (recipe("linear", "model " * 3, weights=[0.1, 0.2, -0.3]), "linear: weights: sum to 0"),
    ],
)
def test_wrong_recipe_is_told_in_one_line(wrong: Recipe, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        validate(wrong)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_may_cancel_where_nothing_is_divided() -> None:
    validate(recipe("linear", "model model", weights=[1, -1], normalize=False))
    validate(recipe("task_arithmetic", "base model model", weights=[1, -1]))


@pytest.mark.parametrize("name", CROSSOVERS)
def test_what_crosses_in_campaigns_takes_models_and_a_base(name: str) -> None:
    operator, parameters = OPERATORS[name], CROSSOVERS[name]
    assert set(operator.roles) <= {"base", "model"}
    assert ("base" in operator.roles and operator.roles["base"].least == 1) == parameters.needs_base
    most = operator.roles["model"].most
    assert most == (2 if parameters.models == "two" else None)
    assert parameters.share is None or parameters.share in parameters.model_fields
