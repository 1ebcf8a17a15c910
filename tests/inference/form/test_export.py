"""The export: a matrix worked out by hand, files that read back the same, and one line for what is wrong."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from feature_pipeline.config import ConfigError
from feature_pipeline.errors import UserError
from inference.form.answer_log import Answer, AnswerLogError
from inference.form.answers import main
from inference.form.export import build_long, build_matrix, write_table
from tests.inference.composed import compose_config

NOON = datetime(2024, 5, 1, 12, 0, 0, 5, UTC)
GIVEN = [("zoe", "b", 1, 1), ("amy", "b", 0, 1), ("zoe", "a", 1, 2), ("zoe", "b", 0, 1), ("é,1", 'c"', 1, 1)]
ANSWERS = [
    Answer(str(n), participant, subject, bool(liked), position, NOON + timedelta(seconds=n))
    for n, (participant, subject, liked, position) in enumerate(GIVEN)
]
MATRIX = 'participant,a,b,"c"""\nzoe,1,0,\namy,,0,\n"é,1",,,1\n'
LONG = (
    "participant,subject,answer,time,position\n"
    "zoe,b,1,2024-05-01T12:00:00.000005Z,1\n"
    "amy,b,0,2024-05-01T12:00:01.000005Z,1\n"
    "zoe,a,1,2024-05-01T12:00:02.000005Z,2\n"
    "zoe,b,0,2024-05-01T12:00:03.000005Z,1\n"
    '"é,1","c""",1,2024-05-01T12:00:04.000005Z,1\n'
)


@pytest.fixture
def export(log, tmp_path, capsys):
    """Runs the command on a log with the answers above; returns what it printed."""
    log.register("s", "items")
    for answer in ANSWERS:
        log.append("s", answer)

    def run(*overrides):
        answers = f'form.answers="{tmp_path / "new folder" / "answers.sqlite"}"'
        main(compose_config("answers", answers, "form.study=s", *overrides))
        return capsys.readouterr().out

    return run


def test_matrix(export, tmp_path):
    out = tmp_path / "to" / "m.csv"
    assert export(f"out={out}") == f"{out}: 5 answers of 3 participants in study 's'\n"
    assert out.read_text() == MATRIX
    assert list(out.parent.iterdir()) == [out]


def test_long(export, tmp_path):
    export(f"out={tmp_path / 'l.csv'}", "format=long")
    assert (tmp_path / "l.csv").read_text() == LONG


@pytest.mark.parametrize("build", [build_matrix, build_long])
def test_round_trip(build, tmp_path):
    table = build(ANSWERS)
    write_table(table, tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), table)
    write_table(table, tmp_path / "t.csv")
    read = pd.read_csv(tmp_path / "t.csv", parse_dates=["time"] if "time" in table else [])
    pd.testing.assert_frame_equal(read.astype(table.dtypes), table)


def test_parquet_types(export, tmp_path):
    export(f"out={tmp_path / 'm.parquet'}")
    matrix = pd.read_parquet(tmp_path / "m.parquet").set_index("participant")
    assert set(matrix.dtypes) == {pd.Int8Dtype()}
    assert matrix.loc["zoe"].tolist() == [1, 0, pd.NA]


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        ([], ConfigError, "out: expected a file, found none. Remedy: make answers OUT=FILE.csv"),
        (["out=m.xlsx"], UserError, "m.xlsx: expected a name that ends in .csv or .parquet, found .xlsx"),
        (["out=m"], UserError, "m: expected a name that ends in .csv or .parquet, found none"),
        (["out=m.csv", "format=wide"], ConfigError, "format: Input should be 'matrix' or 'long'"),
        (["out=m.csv", "form.study=t"], AnswerLogError, "expected study 't', found 's'. Remedy: name one of"),
        (["out=/proc/m.csv"], UserError, "/proc/m.csv: expected a file that can be written, found: "),
    ],
)
def test_what_is_wrong(export, overrides, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as raised:
        export(*overrides)
    assert message in str(raised.value)
    assert not (tmp_path / "m.csv").exists()


def test_no_answers_yet(export, log, tmp_path):
    log.register("empty", "users")
    with pytest.raises(AnswerLogError, match="expected answers in study 'empty', found none yet"):
        export(f"out={tmp_path / 'm.csv'}", "form.study=empty")


def test_no_form_yet(tmp_path):
    with pytest.raises(AnswerLogError, match=r"found no file\. Remedy: make form"):
        main(compose_config("answers", f"artifacts={tmp_path}", "out=m.csv"))
    assert not (tmp_path / "sample").exists()


def test_a_subject_called_participant():
    answers = [Answer("1", "p", "participant", True, 1, NOON)]
    assert len(build_long(answers)) == 1
    with pytest.raises(UserError, match=r"found one\. Remedy: FORMAT=long"):
        build_matrix(answers)
