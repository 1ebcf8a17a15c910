"""The typed config of the form, and how the script that Streamlit runs gets it."""

import os
from pathlib import Path
from typing import Literal

from omegaconf import DictConfig
from pydantic import Field, NonNegativeFloat, PositiveInt

from feature_pipeline.config import Strict, read_section
from feature_pipeline.events.event import Key

_SETTINGS = "TOWERBRIDGE_FORM"

Show = Literal["items", "users"]


class FormConfig(Strict):
    """One study.

    Attributes:
        study: its name, 1 to 100 characters.
        show: what is liked or disliked.
        count: how many each participant sees; fewer where there are not so many.
        seed: of what is drawn where several were shown equally seldom.
        pause: seconds after an answer in which another click is its double click, and counts for nothing.
        port: 0 for any free one.
        answers: the SQLite file that keeps who was shown what, and every answer.
    """

    study: Key
    show: Show
    count: PositiveInt
    seed: int
    pause: NonNegativeFloat
    port: int = Field(ge=0, le=65535)
    answers: Path


class Settings(Strict):
    """What the form needs to know.

    Attributes:
        artifacts: folder of all data sets.
        dataset: its name.
        form: the study.
    """

    artifacts: Path
    dataset: str
    form: FormConfig


def read_settings(config: DictConfig) -> Settings:
    """Reads the composed config.

    Raises:
        ConfigError: a value is not of its type.
    """
    form = read_section(FormConfig, config, "form")
    return Settings(artifacts=Path(config.artifacts), dataset=config.dataset.name, form=form)


def hand_over(settings: Settings) -> None:
    """Leaves the settings where the script will find them."""
    os.environ[_SETTINGS] = settings.model_dump_json()


def take_over() -> Settings:
    """The settings that were left."""
    return Settings.model_validate_json(os.environ[_SETTINGS])
