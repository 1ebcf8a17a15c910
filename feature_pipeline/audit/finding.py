"""What the auditor finds, and the error that stops a build."""

from dataclasses import dataclass
from typing import Literal

from feature_pipeline.errors import UserError

ALL_COLUMNS = "all columns"

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one column.

    Attributes:
        severity: an error stops the build.
        check: `future`, `serving`, `fitted`, `splits`, `timestamps` or `probe`.
        column: where it shows, or `ALL_COLUMNS`.
        found: what is wrong with it.
        example: a row that shows it, for a person to look up; empty where there is none.
        remedy: what to do.
    """

    severity: Severity
    check: str
    column: str
    found: str
    example: str
    remedy: str

    def __str__(self) -> str:
        example = f"; for example {self.example}" if self.example else ""
        return f"{self.check}: {self.column} {self.found}{example}. Remedy: {self.remedy}"


class AuditError(UserError):
    """A feature store would leak; each line names a column, an example row and the remedy."""

    def __init__(self, findings: list[Finding]):
        self.findings = findings
        super().__init__(
            "\n".join(["the audit failed, and nothing was published:", *(f"- {f}" for f in findings)])
        )
