"""The step of `make features` that folds the logs in, and says what came of it."""

from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.feedback.config import FeedbackConfig
from feature_pipeline.feedback.fold import Folded, fold
from feature_pipeline.feedback.read import Feedback, read_feedback
from feature_pipeline.feedback.record import FeedbackRecord
from feature_pipeline.progress import report_step
from feature_pipeline.tables import ContractTables


def fold_feedback(tables: ContractTables, config: FeedbackConfig, dataset: DatasetConfig) -> Folded:
    """Adds what the logs hold to the tables; see `fold`.

    Raises:
        EventLogError: a log cannot be read.
    """
    with report_step("feedback") as step:
        feedback = read_feedback(config)
        folded = fold(tables, feedback, dataset)
        step.rows = sum(folded.record.events.values())
        step.note = _describe(feedback, folded.record)
    return folded


def _describe(feedback: Feedback, record: FeedbackRecord) -> str:
    refused = len(feedback.events) - sum(record.events.values())
    told = [f"{count:,} of type {name}" for name, count in record.events.items()]
    told += [f"{record.users:,} users and {record.items:,} items new"] if record.users + record.items else []
    told += [f"{len(feedback.ignored):,} shown and left"] if len(feedback.ignored) else []
    told += [f"{feedback.taken_back:,} taken back"] if feedback.taken_back else []
    told += [f"{refused:,} in quarantine"] if refused else []
    return ", ".join(told) or "none"
