"""The typed config of the leakage auditor."""

from pydantic import Field

from feature_pipeline.config import Strict


class AuditConfig(Strict):
    """How the auditor looks.

    Attributes:
        max_auc: a column that alone tells the chosen item from others better than this gives the answer away;
            honest features stay well below.
        queries: how many queries each check asks at most.
        seed: of the samples drawn.
        ignore: columns, as a finding names them, that are known to be sound: what is found in them warns and
            does not fail the build.
    """

    max_auc: float = Field(default=0.995, gt=0.5, le=1)
    queries: int = Field(default=300, ge=1)
    seed: int = Field(default=42, ge=0)
    ignore: tuple[str, ...] = ()
