"""The audit of a build: all checks, and what stops it."""

from dataclasses import replace

from feature_pipeline.audit.config import AuditConfig
from feature_pipeline.audit.crossings import find_crossings
from feature_pipeline.audit.drawn_users import draw_users
from feature_pipeline.audit.finding import ALL_COLUMNS, AuditError, Finding
from feature_pipeline.audit.fitted import find_foreign_fits
from feature_pipeline.audit.future import find_changes
from feature_pipeline.audit.probe import find_giveaways
from feature_pipeline.audit.subject import Subject
from feature_pipeline.audit.timestamps import find_coarse_times
from feature_pipeline.schema import USER_ID
from feature_pipeline.splits import SplitError, assign_split


def audit(subject: Subject, config: AuditConfig) -> list[Finding]:
    """Looks for leaks in a feature store that is about to be published.

    Args:
        subject: the store's tables and features.
        config: how to look.

    Returns:
        Warnings, to be shown and kept.

    Raises:
        AuditError: something leaks; each line names a column, an example row and the remedy.
    """
    drawn = subject.keep_events(draw_users(subject.interactions[USER_ID], config.seed))
    found = [*find_coarse_times(subject), *find_changes(drawn, config), *_audit_split(subject, config)]
    findings = [_soften(finding) if finding.column in config.ignore else finding for finding in found]
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise AuditError(errors)
    return findings


def _audit_split(subject: Subject, config: AuditConfig) -> list[Finding]:
    """What shows only where events are divided; a warning where they cannot be."""
    try:
        parts = assign_split(subject.interactions, subject.split)
    except SplitError as error:
        problem, _, remedy = str(error).partition(". Remedy: ")
        found = f"were not checked for leaks between train, validation and test: {problem}"
        return [Finding("warning", "splits", ALL_COLUMNS, found, "", remedy)]
    return [
        *find_foreign_fits(subject, parts),
        *find_crossings(subject, parts),
        *find_giveaways(subject, parts, config),
    ]


def _soften(finding: Finding) -> Finding:
    return replace(finding, severity="warning", remedy="none: audit.ignore names the column")
