"""Sections of a campaign's tasks."""

from typing import Annotated

from pydantic import Field

from speciate.configs.tasks.code import Code as Code
from speciate.configs.tasks.common import Generating as Generating
from speciate.configs.tasks.common import Name as Name
from speciate.configs.tasks.judge import Judge as Judge
from speciate.configs.tasks.kinds import ExactMatch as ExactMatch
from speciate.configs.tasks.kinds import Likelihood as Likelihood
from speciate.configs.tasks.kinds import MultipleChoice as MultipleChoice
from speciate.configs.tasks.kinds import Perplexity as Perplexity
from speciate.configs.tasks.kinds import Plugin as Plugin
from speciate.configs.tasks.lm_eval import LmEval as LmEval

Task = Annotated[
    Likelihood | Perplexity | MultipleChoice | ExactMatch | Code | Judge | LmEval | Plugin,
    Field(discriminator="kind"),
]
