"""`python -m inference.search text=WORDS`: items like a text, a picture, or another item, on stdout."""

from pathlib import Path
from typing import Any, Literal

import pandas as pd
from omegaconf import DictConfig, OmegaConf
from pydantic import ConfigDict, PositiveInt

from feature_pipeline.config import ConfigError, Strict, read_section
from feature_pipeline.entry import run
from feature_pipeline.errors import UserError
from inference.output import render_found, render_found_json
from inference.recommender import Recommender
from training_pipeline.bundle import open_current_bundle


class Search(Strict):
    """What is looked for.

    Attributes:
        text: words.
        image: path of a picture; with a text, both count.
        item: an item's id, to find others like it.
        by: what makes items alike: `text`, `image`, `both`, or `tower`.
        k: how many.
        filters: what items must be, see `ItemFilter`.
        exclude: items not to show, by id.
        format: `table` for people, `json` for programs.
        bundle: id of a bundle; the current one by default.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    text: str | None
    image: Path | None
    item: str | None
    by: str
    k: PositiveInt
    filters: dict[str, Any] | None
    exclude: list[str]
    format: Literal["table", "json"]
    bundle: str | None


def main(config: DictConfig) -> None:
    """Finds items and prints them."""
    search = read_search(config)
    bundle = open_current_bundle(Path(config.artifacts), config.dataset.name, search.bundle)
    found = find(Recommender(bundle), search)
    print(render_found_json(bundle.id, found) if search.format == "json" else render_found(found))


def read_search(config: DictConfig) -> Search:
    """Checks what is looked for, which stands at the top of the composed config.

    Raises:
        ConfigError: a value is not of its type, or it is not one thing that is looked for.
    """
    asked = {name: OmegaConf.select(config, name) for name in Search.model_fields}
    search = read_section(Search, OmegaConf.create(asked), "")
    is_content = search.text is not None or search.image is not None
    if is_content == (search.item is not None):
        found = "both" if is_content else "nothing"
        raise ConfigError(f"expected text or image, or an item to find others like, found {found}")
    return search


def find(recommender: Recommender, search: Search) -> pd.DataFrame:
    """The items; see `Recommender.search` and `Recommender.similar`."""
    if search.item is not None:
        return recommender.similar(search.item, search.by, search.k, search.filters, search.exclude)
    image = _read_image(search.image)
    return recommender.search(search.text, image, search.k, search.filters, search.exclude)


def _read_image(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"image={path}: not readable ({error.strerror})") from None


if __name__ == "__main__":
    run(main, "search")
