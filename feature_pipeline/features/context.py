"""The moment of a query: hour of the day, day of the week and day of the year, each on its circle."""

from math import tau

import ibis.expr.types as ir

from feature_pipeline.point_in_time import AS_OF, MICROSECONDS_A_DAY, ROW
from feature_pipeline.schema import FeatureSpec

_PERIODS_IN_DAYS = {"hour": 1.0, "weekday": 7.0, "year": 365.2425}

SPECS = tuple(
    FeatureSpec(f"context_{name}_{wave}", "context", "numeric")
    for name in _PERIODS_IN_DAYS
    for wave in ("sin", "cos")
)


def compute(queries: ir.Table) -> ir.Table:
    """Computes where each query stands in the day, the week and the year (UTC).

    Args:
        queries: `row` and `as_of` (int64 microseconds since 1970).

    Returns:
        `row` and the columns of `SPECS`, float64 in [-1, 1]: sine and cosine of the phase, so that the end
        of a period lies beside its start.
    """
    days = queries[AS_OF] / MICROSECONDS_A_DAY
    waves = {}
    for name, period in _PERIODS_IN_DAYS.items():
        phase = days * (tau / period)
        waves[f"context_{name}_sin"] = phase.sin()
        waves[f"context_{name}_cos"] = phase.cos()
    return queries.select(ROW, **waves)
