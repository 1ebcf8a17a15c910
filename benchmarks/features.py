"""How fast the default features of events are computed, and how much slower plain pandas is.

    python -m benchmarks.features [--events 10000000]

Every event is a query: what was known of its user and moment just before it, with all default features of
`conf/point_in_time` that `make features` computes for every event. A tenth of the events shows how time
grows. There pandas competes in all default features, those of the query and those of a candidate, its own
item, which the product computes for the ranker's candidates only; both sides must agree (the cosines of
embeddings are left out). Each side runs in a process of its own, one after the other.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from benchmarks import pandas_reference
from feature_pipeline.engine.connect import EngineConfig, connect
from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.features.facts import Columns
from feature_pipeline.features.registry import load_features
from feature_pipeline.point_in_time import AS_OF, AS_OF_ORDER

DEFAULTS = Path(__file__).parent.parent / "conf" / "point_in_time" / "default.yaml"
EVENTS_A_USER = 100
NUM_ITEMS = 100_000
DAYS = 730


def draw_interactions(num_events: int) -> pd.DataFrame:
    """Contract interactions in order of time: users come in sessions, items follow a power law."""
    rng = np.random.default_rng(0)
    user = rng.integers(0, max(num_events // EVENTS_A_USER, 1), num_events)
    visit = rng.integers(0, DAYS * 24, num_events) // 20 * 20 * 3600  # hours, so that events meet in sessions
    seconds = visit + (user % 20) * 3600 + rng.integers(0, 3600, num_events)
    seconds.sort()
    item = np.minimum(rng.zipf(1.3, num_events) - 1, NUM_ITEMS - 1)
    return pd.DataFrame(
        {
            "user_id": _name("u", user),
            "item_id": _name("i", item),
            "event_time": np.datetime64("2023-01-01", "us") + seconds.astype("timedelta64[s]"),
            "event_order": np.arange(num_events),
            "weight": rng.integers(1, 6, num_events).astype(float),
        }
    )


def _name(prefix: str, numbers: np.ndarray) -> pd.Series:
    names = pd.Series([f"{prefix}{number}" for number in range(numbers.max() + 1)], dtype="str")
    return names.take(numbers).reset_index(drop=True)


def draw_items() -> pd.DataFrame:
    """Items with two categories and a number."""
    numbers = np.arange(NUM_ITEMS)
    return pd.DataFrame(
        {
            "item_id": _name("i", numbers),
            "genre": [[f"g{n % 18}", f"g{n * 7 % 18}"] for n in numbers],
            "maker": [[f"m{n % 997}"] for n in numbers],
            "year": 1920.0 + numbers % 100,
        }
    )


def compute_ours(interactions: pd.DataFrame) -> pd.DataFrame:
    """The default query features, computed by the product."""
    builder = _make_builder(interactions)
    return builder.compute_query_features(interactions.rename(columns={"event_time": AS_OF}))


def compute_rows(interactions: pd.DataFrame) -> pd.DataFrame:
    """The default features of candidates, for each event's own item."""
    builder = _make_builder(interactions)
    queries = interactions.rename(columns={"event_time": AS_OF, "event_order": AS_OF_ORDER})
    items = interactions["item_id"].str.slice(1).astype("int64").to_numpy()
    return builder.compute_row_features(queries, items[:, None])


def _make_builder(interactions: pd.DataFrame) -> FeatureBuilder:
    features = list(load_features(yaml.safe_load(DEFAULTS.read_text())).values())
    engine = connect(EngineConfig(name="duckdb", threads=2, memory_limit="2GB"))
    columns = Columns(categories=("genre", "maker"), numbers=("year",))
    return FeatureBuilder.of_table(engine, features, columns, draw_items(), interactions, {}, {})


def compute_all(interactions: pd.DataFrame) -> pd.DataFrame:
    """Every default feature, of the query and of its own item as the candidate."""
    return pd.concat([compute_ours(interactions), compute_rows(interactions)], axis=1)


def compute_all_in_pandas(interactions: pd.DataFrame) -> pd.DataFrame:
    """The same by pandas."""
    items = draw_items()
    of_query = pandas_reference.compute_query_features(interactions)
    return pd.concat([of_query, pandas_reference.compute_row_features(interactions, items)], axis=1)


SIDES = {"queries": compute_ours, "all": compute_all, "pandas": compute_all_in_pandas}


def measure(side: str, num_events: int) -> dict[str, Any]:
    """Runs one side in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.features", "--side", side]
    done = subprocess.run([*command, "--events", str(num_events)], capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{side:<8}{num_events:>12,} events {result['seconds']:>8.1f} s", end="", file=sys.stderr)
    print(f"{num_events / result['seconds']:>12,.0f} a second", end="", file=sys.stderr)
    print(f"{result['peak_mib']:>8,.0f} MiB peak", file=sys.stderr)
    return result


def run_side(side: str, num_events: int) -> None:
    """What a measured process does: the time of computing alone, the peak memory of all of it."""
    interactions = draw_interactions(num_events)
    began = time.perf_counter()
    computed = SIDES[side](interactions)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sums = {name: float(values.sum()) for name, values in computed.items()}
    print(json.dumps({"seconds": seconds, "peak_mib": peak, "columns": len(sums), "sums": sums}))


def main() -> None:
    """Measures all sides and prints one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--side", choices=SIDES)
    given = parser.parse_args()
    if given.side:
        return run_side(given.side, given.events)
    few = given.events // 10
    small, large = measure("queries", few), measure("queries", given.events)
    everything, reference = measure("all", few), measure("pandas", few)
    result = {
        "benchmark": "features",
        "events": given.events,
        "columns": large["columns"],
        "events_a_second": given.events / large["seconds"],
        "peak_mib": large["peak_mib"],
        "time_of_ten_times_the_events": large["seconds"] / small["seconds"],
        "all_columns": everything["columns"],
        "ours_seconds": everything["seconds"],
        "pandas_seconds": reference["seconds"],
        "ratio": reference["seconds"] / everything["seconds"],
        "differing_columns": _compare(everything["sums"], reference["sums"]),
    }
    print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in result.items()}))
    return None


def _compare(ours: dict[str, float], theirs: dict[str, float]) -> list[str]:
    """Columns that one side lacks, or whose sums differ."""
    return sorted(
        name
        for name in ours.keys() | theirs.keys()
        if not np.isclose(ours.get(name, np.nan), theirs.get(name, np.nan), rtol=1e-6, atol=1e-3)
    )


if __name__ == "__main__":
    main()
