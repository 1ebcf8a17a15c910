"""What a run has changed, beside the bundle that was current before."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from feature_pipeline.artefact import ArtefactError, find_current
from feature_pipeline.store import FeatureStore
from training_pipeline.bundle import METRICS, Bundle, open_bundle
from training_pipeline.evaluation.results import HEADLINE_METRIC, MetricRow, read_metrics
from training_pipeline.measure import RANKER, RETRIEVER
from training_pipeline.summary import Summary

# As for the certificate: serving is asked in a process of its own.
_COMMAND = [sys.executable, "-m", "inference.compare"]

Change = dict[str, Any]


def open_former(parent: Path) -> Bundle | None:
    """The bundle that is current until now, if there is a sound one of this version."""
    try:
        return open_bundle(find_current(parent, "run make train"))
    except ArtefactError:
        return None


def describe_change(former: Bundle, place: Path, store: FeatureStore, summary: Summary) -> Change:
    """Compares a bundle with the former one, for its manifest.

    Args:
        former: was current before.
        place: folder of the whole bundle.
        store: what it was trained on.
        summary: its figures.

    Returns:
        `former`: its id; `events` and `feedback` (by type): learned before and now; `NDCG@10` by split before
        and now, each with its number of queries `n`; `overlap`: see `inference.compare`, None if it failed.
    """
    before = read_metrics(former.path / METRICS)
    return {
        "former": former.id,
        "events": [former.store.manifest["rows"]["interactions"], store.manifest["rows"]["interactions"]],
        "feedback": [dict(former.store.feedback.events), dict(store.feedback.events)],
        HEADLINE_METRIC: {
            split: [
                _find_figure(before, split, former.ranker is not None),
                _find_figure(summary.rows, split, summary.is_ranked),
            ]
            for split in ("validation", "test")
        },
        "overlap": _measure_overlap(place, former.path),
    }


def render_change(change: Change) -> str:
    """Lines for a person."""
    events, feedback = change["events"], change["feedback"]
    figures = "; ".join(
        f"{split} {before['value']:.4f} ({before['n']} queries) -> {now['value']:.4f} ({now['n']} queries)"
        for split, (before, now) in change[HEADLINE_METRIC].items()
    )
    return "\n".join(
        [
            f"Beside the former bundle {change['former']}:",
            f"  events learned  {events[0]:,} -> {events[1]:,}",
            f"  of feedback     {_render_counts(feedback[0])} -> {_render_counts(feedback[1])}",
            f"  {HEADLINE_METRIC}         {figures}; each on its own queries",
            f"  overlap@10      {_render_overlap(change['overlap'])}",
        ]
    )


def _find_figure(rows: Sequence[MetricRow], split: str, is_ranked: bool) -> dict[str, float | int]:
    model = RANKER if is_ranked else RETRIEVER
    (row,) = (
        row
        for row in rows
        if (row.model, row.split, row.segment, row.metric) == (model, split, "all", HEADLINE_METRIC)
    )
    return {"value": row.value, "n": row.n}


def _measure_overlap(place: Path, former: Path) -> dict[str, Any] | None:
    command = [*_COMMAND, f'path="{place}"', f'former="{former}"']
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        print(f"warning: the two bundles could not be compared: {said[-1]}", file=sys.stderr)
        return None
    overlap: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return overlap


def _render_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "none"


def _render_overlap(overlap: Mapping[str, Any] | None) -> str:
    if overlap is None:
        return "not measured"
    groups = {name: group for name, group in overlap.items() if group["users"]}
    return ", ".join(
        f"{group['overlap@10']:.2f} of {group['users']} users {name}".replace("users others", "others")
        for name, group in groups.items()
    )
