"""Sections of the language models that take part in a campaign."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from speciate.configs.bounds import NonNegative, Positive
from speciate.configs.chat import Budget, Endpoint, Prices
from speciate.configs.review import Review
from speciate.configs.section import Section

Rate = Annotated[float, Field(ge=0, le=1)]
Role = Literal["breeder", "coder", "critic", "improver"]
Family = Literal["averaging", "task_vectors", "spectral", "mutation", "adapters"]


class Agent(Endpoint):
    """A language model, and what it is asked to do."""

    roles: tuple[Role, ...] = Field(
        ("breeder",),
        description="breeder proposes recipes, coder writes operators, critic compares parents "
        "with children, improver rewrites the prompts of the others.",
        min_length=1,
    )


class Choice(Section):
    """The bandit that chooses who makes the next recipe: the strategy, or which agent."""

    explore: Rate = Field(
        0.2, description="Probability that a slot does not go to the best as far as is known."
    )
    allowance: NonNegative = Field(
        0.6,
        description="An arm is explored while n^2 < allowance * slots, n the results of all arms "
        "of its agent since their last gains; so a useless one costs sqrt(allowance * slots).",
    )
    floor: Rate = Field(0.005, description="Probability that any other arm is explored, per slot.")
    patience: Annotated[int, Field(ge=1)] = Field(
        12, description="Results without gain in a row after which an arm is explored only."
    )
    spacing: Annotated[int, Field(ge=1)] = Field(
        2, description="In one of so many slots an arm may be tried for the first time."
    )
    decay: Annotated[float, Field(gt=0, le=1)] = Field(
        0.95, description="What a result counts when the same arm has had another one."
    )
    prior: Positive = Field(1.0, description="Results without gain that every arm starts with.")
    failure: Rate = Field(
        0.5, description="What an answer without a usable recipe counts of a result without gain."
    )
    thrift: NonNegative = Field(
        0.1, description="The worth of the dearest arm is divided by 1 + this."
    )


class Agents(Section):
    """Language models propose recipes and write operators, beside the strategy."""

    endpoints: tuple[Agent, ...] = Field(min_length=1)
    families: tuple[Family, ...] = Field(
        ("averaging", "task_vectors", "mutation"),
        description="Families of operators on offer; an arm of the bandit each. Adapters if not "
        "given and the founders are some.",
        min_length=1,
    )
    tries: Annotated[int, Field(ge=1, le=10)] = Field(
        3, description="Replies in a conversation, until one can be used."
    )
    patience_s: Positive = Field(
        300.0, description="Longest wait for a whole conversation.", exclude=True
    )
    novelty: Rate = Field(
        0.02, description="Least distance of a recipe from all known ones; 0 takes any new one."
    )
    likeness: Rate = Field(0.98, description="Largest cosine of new code with known code.")
    insights: Annotated[int, Field(ge=0)] = Field(
        10, description="Notes of the critic that make it time to draw insights; 0 never draws any."
    )
    improvement: Annotated[int, Field(ge=0)] = Field(
        0, description="Answers of a prompt after which another version is tried; 0 is never."
    )
    pinned: tuple[str, ...] = Field(
        (),
        description="Versions of prompts, by name, that alone answer for their role: to roll back.",
        exclude=True,
    )
    budget: Budget = Field(Budget(), exclude=True, description="Of all endpoints together.")
    choice: Choice = Choice()
    review: Review = Field(Review(), description="What waits for people.")

    @model_validator(mode="after")
    def _makes_sense(self) -> "Agents":
        titles = [endpoint.title for endpoint in self.endpoints]
        for title in titles:
            if titles.count(title) > 1:
                raise ValueError(f"two endpoints are called '{title}'; give each its own name")
            if any(sign in title for sign in "@:\n"):
                raise ValueError(f"an endpoint cannot be called '{title}'; give it a plain name")
        if not {"breeder", "coder"} & {role for one in self.endpoints for role in one.roles}:
            raise ValueError("nobody proposes anything: give an endpoint the role breeder or coder")
        if self.budget.cost is not None and all(one.prices == Prices() for one in self.endpoints):
            raise ValueError("a budget of cost needs prices: set them for an endpoint")
        return self
