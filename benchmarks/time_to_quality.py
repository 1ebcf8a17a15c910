"""How soon the towers are as good as SASRec, beside the time that SASRec takes.

    python -m benchmarks.time_to_quality --root FOLDER --peer "COMMAND" [--goal 0.126]

FOLDER holds MovieLens-1M. The towers learn each user's events but the last, as `conf/experiment/movielens_1m`
says, and rank the last in the whole corpus after every epoch; the seconds of training alone count, until
NDCG@10 reaches the goal. COMMAND trains SASRec on the same events and prints one JSON line with `fit_seconds`
and `NDCG@10`. Both sides run on one thread, one after the other.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir

from feature_pipeline.entry import CONF
from feature_pipeline.splits import TEST, TRAIN, VALIDATION
from training_pipeline.retrieval.fit import OBJECTIVE
from training_pipeline.towers import fit_towers
from training_pipeline.train import open_run

# The schedule ends with the epochs, so that few of them leave less time to learn and less to lose.
EPOCHS = 8


def measure_ours(root: Path, artifacts: Path, goal: float) -> dict[str, Any]:
    """Builds the features, trains, and finds the first epoch that reaches the goal."""
    settings = ["experiment=movielens_1m", f"artifacts='{artifacts}'", f"dataset.root='{root}'"]
    quick = ["threads=1", "engine.threads=1", f"retrieval.epochs={EPOCHS}", f"retrieval.patience={EPOCHS}"]
    subprocess.run([sys.executable, "-m", "feature_pipeline", *settings], check=True, stdout=sys.stderr)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", overrides=[*settings, *quick])
    settings_of_run, _, prepared = open_run(config)
    everything = prepared.learn(TRAIN, VALIDATION)
    held_out = everything.build_held_out(TEST)
    curve = fit_towers(everything, held_out, settings_of_run, artifacts / "checkpoints").curve
    reached = next((row for row in curve if row[OBJECTIVE] >= goal), None)
    epochs = int(reached["epoch"]) if reached else len(curve)
    return {
        "reached": reached is not None,
        "epochs": epochs,
        "seconds": sum(row["seconds"] for row in curve[:epochs]),
        "NDCG@10 by epoch": [round(row[OBJECTIVE], 4) for row in curve],
    }


def measure_peer(command: str) -> dict[str, Any]:
    """Runs the peer and reads its last line."""
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(
        shlex.split(command), check=True, stdout=subprocess.PIPE, text=True, env=os.environ | one_thread
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Measures both sides and prints one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--goal", type=float, default=0.126)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        ours = measure_ours(given.root.resolve(), Path(scratch), given.goal)
    print(json.dumps(ours), file=sys.stderr)
    peer = measure_peer(given.peer)
    result = {
        "benchmark": "time_to_quality",
        "goal": given.goal,
        "ours": ours,
        "peer": peer,
        "ratio": round(peer["fit_seconds"] / ours["seconds"], 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
