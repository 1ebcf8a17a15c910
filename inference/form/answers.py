"""`python -m inference.form.answers`: the answers of a study -> a CSV or Parquet file."""

from pathlib import Path
from typing import Literal

from omegaconf import DictConfig, OmegaConf

from feature_pipeline.config import ConfigError, Strict, read_section
from feature_pipeline.entry import run
from inference.form.config import FormConfig
from inference.form.export import build_long, build_matrix, check_suffix, read_answers, write_table


class AnswersConfig(Strict):
    """What is exported.

    Attributes:
        out: the file, .csv or .parquet.
        format: `matrix`, participants by subjects, or `long`, one row for each answer.
    """

    out: Path | None
    format: Literal["matrix", "long"]


def main(config: DictConfig) -> None:
    """Reads the log and writes the file."""
    asked = read_section(AnswersConfig, OmegaConf.masked_copy(config, ["out", "format"]), "")
    form = read_section(FormConfig, config, "form")
    if asked.out is None:
        raise ConfigError("out: expected a file, found none. Remedy: make answers OUT=FILE.csv")
    check_suffix(asked.out)
    answers = read_answers(form.answers, form.study)
    build = build_long if asked.format == "long" else build_matrix
    write_table(build(answers), asked.out)
    participants = len({answer.participant for answer in answers})
    print(f"{asked.out}: {len(answers):,} answers of {participants:,} participants in study {form.study!r}")


if __name__ == "__main__":
    run(main, "answers")
