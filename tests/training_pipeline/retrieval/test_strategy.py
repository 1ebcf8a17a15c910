"""Several devices, and several machines, learn what one does."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow as tf

from feature_pipeline.config import ConfigError
from feature_pipeline.entry import CONF
from tests.tiny_store import write_tiny_store
from tests.training_pipeline.command import DATASET, SMALL, run_training
from tests.training_pipeline.invented import make_retrieval
from tests.training_pipeline.retrieval.replicas import list_shares, train
from training_pipeline.bundle import open_current_bundle
from training_pipeline.evaluation.results import read_metrics
from training_pipeline.measure import RETRIEVER
from training_pipeline.retrieval.strategy import count_steps, distribute, divide_batch, get_strategy, is_chief

SECONDS = 600
# Of 27 validation queries. By the seed alone, one process differs from another by .05.
TOLERANCE = 0.1
ENOUGH = ("retrieval.loss=full_softmax", "retrieval.epochs=6", "retrieval.patience=6")


def name_cluster(workers: list[str], kind: str = "worker", index: int = 0) -> str:
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "{}",
        "no JSON",
        "[]",
        '{"cluster": {"worker": ["one:1"]}}',
        '{"cluster": {"chief": ["one:1"], "worker": ["two:1"]}, "task": {"type": "worker", "index": 0}}',
        name_cluster(["one:1", "two:1"], index=2),
        name_cluster(["one:1", "two:1"], index=-1),
        name_cluster(["one:1"], kind="chief"),
    ],
)
def test_what_does_not_name_the_workers_is_refused(
    content: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if content is not None:
        monkeypatch.setenv("TF_CONFIG", content)
    message = r"multi_worker: expected TF_CONFIG to name .* Remedy: set it"
    with pytest.raises(ConfigError, match=message) as told:
        get_strategy("multi_worker")
    assert repr(content or "") in str(told.value)


class TestOneDevice:
    strategy = get_strategy("default")

    def test_leads(self) -> None:
        assert is_chief(self.strategy)

    def test_takes_whole_batches_one_after_the_other(self) -> None:
        config = make_retrieval(batch_size=64)
        assert divide_batch(config, self.strategy, 1000) == config
        assert list_shares(self.strategy, 3) == [[0], [1], [2]]

    @pytest.mark.parametrize(
        ("num_events", "size"), [(0, 512), (87_039, 512), (87_210, 513), (500_000, 2941), (10**7, 3200)]
    )
    def test_the_number_of_events_tells_how_many_a_step_predicts(self, num_events: int, size: int) -> None:
        # 87,210 / 170 = 513; 500,000 / 170 = 2941.2.
        assert divide_batch(make_retrieval(batch_size=0), self.strategy, num_events).batch_size == size

    def test_reads_the_batches_as_they_are(self) -> None:
        batches = tf.data.Dataset.range(7)
        assert distribute(batches, self.strategy) is batches
        assert count_steps(batches, self.strategy) == 7


@pytest.mark.slow
def test_two_devices_learn_what_one_does(tmp_path: Path) -> None:
    """With the same events in every step, losses and validation are the same up to rounding."""
    # TensorFlow reads the settings of the package at its first import.
    program = "import training_pipeline; from tests.training_pipeline.retrieval.replicas import main; main()"
    command = [sys.executable, "-c", program, "2", str(tmp_path / "two")]
    output = subprocess.run(command, cwd=CONF.parent, capture_output=True, text=True, timeout=SECONDS)
    assert output.returncode == 0, output.stderr
    found = json.loads(output.stdout)
    # An odd batch is left for the last step, and the first comes again beside it.
    assert found["shares"] == [[0, 1], [2, 3], [4, 0]]
    alone = train(get_strategy("default"), tmp_path / "one")
    assert [row.keys() for row in found["curve"]] == [row.keys() for row in alone]
    for ours, theirs in zip(found["curve"], alone, strict=True):
        assert ours | {"seconds": 0} == pytest.approx(theirs | {"seconds": 0}, rel=1e-3)
    assert alone[-1]["loss"] < alone[0]["loss"] - 0.1


@pytest.mark.slow
def test_two_workers_reach_the_quality_of_one_process(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_tiny_store(tmp_path / folder, DATASET)
    chief, other = run_workers(tmp_path / "two", 2)
    assert chief.splitlines()[-1].endswith("report.html")
    assert other == ""
    output = run_training(tmp_path / "one", *ENOUGH)
    assert output.returncode == 0, output.stderr

    alone, together = (read_quality(tmp_path / folder, RETRIEVER) for folder in ("one", "two"))
    assert together == pytest.approx(alone, abs=TOLERANCE)
    assert min(alone, together) > read_quality(tmp_path / "two", "popularity") + TOLERANCE
    assert len(list((tmp_path / "two").rglob("curve.csv"))) == 1
    assert not any((tmp_path / "two" / DATASET / "checkpoints").iterdir())


def run_workers(artifacts: Path, count: int) -> list[str]:
    """Trains with `count` processes on loopback; returns what each prints."""
    hosts = find_free_hosts(count)
    command = [sys.executable, "-m", "training_pipeline", *SMALL, *ENOUGH, f"artifacts={artifacts}"]
    workers = [
        subprocess.Popen(
            [*command, "strategy=multi_worker"],
            cwd=CONF.parent,
            env={**os.environ, "TF_CONFIG": name_cluster(hosts, index=index)},
            stdout=(artifacts / f"{index}.out").open("w"),
            stderr=(artifacts / f"{index}.err").open("w"),
        )
        for index in range(count)
    ]
    ends = time.monotonic() + SECONDS
    try:
        codes = [worker.wait(ends - time.monotonic()) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    errors = [(artifacts / f"{index}.err").read_text() for index in range(count)]
    assert codes == [0] * count, "\n".join(errors)
    return [(artifacts / f"{index}.out").read_text() for index in range(count)]


def find_free_hosts(count: int) -> list[str]:
    """Ports of this machine that are free now."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    hosts = [f"127.0.0.1:{listener.getsockname()[1]}" for listener in listeners]
    for listener in listeners:
        listener.close()
    return hosts


def read_quality(artifacts: Path, model: str) -> float:
    """NDCG@10 on the validation queries."""
    rows = read_metrics(open_current_bundle(artifacts, DATASET).path / "metrics.json")
    wanted = (model, "validation", "all", "NDCG@10")
    (value,) = [row.value for row in rows if (row.model, row.split, row.segment, row.metric) == wanted]
    return value
