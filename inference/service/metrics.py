"""What Prometheus reads, summed over all processes that answer.

With `PROMETHEUS_MULTIPROC_DIR` set before this module is imported, every process keeps its numbers in files
there, and any of them can tell the sum.
"""

import os

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from inference.service.config import METRICS_FOLDER

REQUESTS = Counter("towerbridge_requests", "Requests answered.", ["route", "method", "status"])
SECONDS = Histogram(
    "towerbridge_request_seconds",
    "From a request's arrival to its answer.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
BUSY = Counter("towerbridge_busy", "Requests sent away because too many waited.")
EVENTS = Counter("towerbridge_events", "Events acknowledged that were new to the log.")
RELOADS = Counter("towerbridge_reloads", "Published bundles that a worker has looked at.", ["outcome"])
WORKERS = Gauge(
    "towerbridge_workers", "Workers that serve a bundle.", ["bundle"], multiprocess_mode="livesum"
)


def render() -> bytes:
    """All metrics in Prometheus' text format."""
    if METRICS_FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
