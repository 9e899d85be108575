"""The lm-evaluation-harness: its tasks, and our engines as its models.

Only this folder imports lm_eval, and nothing imports this folder before a task needs it.
"""

from speciate.evaluator.harness.documents import Documents as Documents
from speciate.evaluator.harness.documents import explained as explained
from speciate.evaluator.harness.documents import load as load
from speciate.evaluator.harness.metric import Metric as Metric
from speciate.evaluator.harness.model import EngineLM as EngineLM
from speciate.evaluator.harness.model import Ruler as Ruler
