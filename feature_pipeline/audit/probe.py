"""Columns that alone tell what users choose next: better than any honest feature can."""

import numpy as np

from feature_pipeline.audit.auc import Verdict
from feature_pipeline.audit.config import AuditConfig
from feature_pipeline.audit.drawn_users import draw_users
from feature_pipeline.audit.finding import ALL_COLUMNS, Finding
from feature_pipeline.audit.given_probe import probe_givens
from feature_pipeline.audit.held_out import draw_held_out
from feature_pipeline.audit.item_probe import probe_items
from feature_pipeline.audit.row_probe import probe_rows
from feature_pipeline.audit.subject import Subject
from feature_pipeline.schema import USER_ID
from feature_pipeline.splits import TEST, TRAIN, VALIDATION

_FEWEST_QUERIES = 30


def find_giveaways(subject: Subject, parts: np.ndarray, config: AuditConfig) -> list[Finding]:
    """Checks that no column alone recovers held-out targets.

    Args:
        subject: what is audited.
        parts: of each event, see `splits.assign_split`.
        config: the largest AUC that is still believed.

    Returns:
        One error at most for each column, and a warning where there are too few queries to judge.
    """
    verdicts = judge_columns(subject, parts, config)
    if not verdicts:
        return [_warn_of_few()]
    given_away = {name: verdict for name, verdict in verdicts.items() if verdict.auc > config.max_auc}
    return [_report(name, verdict, config) for name, verdict in given_away.items()]


def judge_columns(subject: Subject, parts: np.ndarray, config: AuditConfig) -> dict[str, Verdict]:
    """The worst verdict on each column; empty where there are too few validation queries to judge."""
    rng = np.random.default_rng(config.seed)
    is_drawn = draw_users(subject.interactions[USER_ID], config.seed)
    drawn, parts_drawn = subject.keep_events(is_drawn), parts[is_drawn]
    held_out = draw_held_out(drawn, parts_drawn, config.queries, rng)
    if len(held_out.queries) < _FEWEST_QUERIES:
        return {}
    worst: dict[str, Verdict] = {}
    for verdicts in (
        probe_rows(drawn, held_out),
        probe_givens(drawn, held_out, drawn.interactions[parts_drawn == TRAIN]),
        *(probe_items(subject, parts, part, rng) for part in (VALIDATION, TEST)),
    ):
        worst |= {n: v for n, v in verdicts.items() if n not in worst or v.auc > worst[n].auc}
    return worst


def _report(column: str, verdict: Verdict, config: AuditConfig) -> Finding:
    return Finding(
        "error",
        "probe",
        column,
        f"alone recovers what users choose next (AUC {verdict.auc:.4f}, believed up to {config.max_auc:g})",
        verdict.example,
        f"leave out the column, which is likely made from later events; or, if it is truly known before the "
        f"choice, set audit.ignore to [{column}]",
    )


def _warn_of_few() -> Finding:
    return Finding(
        "warning",
        "probe",
        ALL_COLUMNS,
        f"were not probed: fewer than {_FEWEST_QUERIES} validation queries with other users' choices",
        "",
        "give more events, or raise split.validation_share",
    )
