"""The answers of a study as a table, and the table as a file."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from feature_pipeline.errors import UserError
from inference.form.answer_log import Answer, AnswerLog, AnswerLogError

PARTICIPANT = "participant"
SUFFIXES = (".csv", ".parquet")


def read_answers(path: Path, study: str) -> list[Answer]:
    """Reads the answers of a study, in their order.

    Raises:
        AnswerLogError: there is no such file, no such study in it, or no answer yet.
    """
    if not path.exists():
        raise AnswerLogError(
            f"{path}: expected answers of a form, found no file. Remedy: make form, or name the file by "
            "form.answers"
        )
    log = AnswerLog(path)
    try:
        known, answers = log.list_studies(), log.read(study)
    finally:
        log.close()
    if study not in known:
        raise AnswerLogError(
            f"{path}: expected study {study!r}, found {', '.join(map(repr, known)) or 'none'}. "
            "Remedy: name one of these by form.study"
        )
    if not answers:
        raise AnswerLogError(
            f"{path}: expected answers in study {study!r}, found none yet. Remedy: make form, and let "
            "somebody take part"
        )
    return answers


def build_long(answers: Sequence[Answer]) -> pd.DataFrame:
    """One row for each answer, the changed ones included, in their order.

    Returns:
        `participant` str, `subject` str, `answer` int8 (1 like, 0 dislike), `time` datetime64[us, UTC],
        `position` int32, from 1. The last row of a participant and subject counts.
    """
    table = pd.DataFrame(
        [(a.participant, a.subject, int(a.liked), a.time, a.position) for a in answers],
        columns=[PARTICIPANT, "subject", "answer", "time", "position"],
    )
    return table.astype({"answer": "int8", "time": "datetime64[us, UTC]", "position": "int32"})


def build_matrix(answers: Sequence[Answer]) -> pd.DataFrame:
    """One row for each participant, one column for each subject that anybody has answered.

    Returns:
        `participant` str in the order of their first answers, then the subjects by id, Int8: 1 like,
        0 dislike, missing where the participant has not answered.

    Raises:
        UserError: a subject is called as the first column is.
    """
    long = build_long(answers)
    if (long["subject"] == PARTICIPANT).any():
        raise UserError(
            f"format: expected no subject of the id {PARTICIPANT!r} in a matrix, whose first column has that "
            "name, found one. Remedy: FORMAT=long"
        )
    counting = long.drop_duplicates([PARTICIPANT, "subject"], keep="last")
    matrix = counting.pivot(index=PARTICIPANT, columns="subject", values="answer").astype("Int8")
    return matrix.loc[long[PARTICIPANT].unique()].rename_axis(columns=None).reset_index()


def check_suffix(out: Path) -> None:
    """Raises UserError where the file's name does not say of which kind it is."""
    if out.suffix not in SUFFIXES:
        found = out.suffix or "none"
        raise UserError(f"{out}: expected a name that ends in {' or '.join(SUFFIXES)}, found {found}")


def write_table(table: pd.DataFrame, out: Path) -> None:
    """Writes a table as CSV or Parquet, by its suffix; the file appears whole or not at all.

    Raises:
        UserError: it cannot be written.
    """
    work = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            if out.suffix == ".csv":
                table.to_csv(work, index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
            else:
                table.to_parquet(work, index=False)
            work.replace(out)
        finally:
            work.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"{out}: expected a file that can be written, found: {error.strerror}. Remedy: name another"
        ) from error
