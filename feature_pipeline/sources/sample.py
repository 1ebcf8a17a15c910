"""The built-in data set: a seeded catalogue of artworks whose right answer is known.

`write` invents 600 artworks, 500 users and about 20,000 interactions between 2024-01-01 and 2025-06-30 UTC,
and draws a picture of every artwork. The known answer is the random-utility model they come from. At every
step a user takes the artwork, among those released and not yet seen, with the highest sum of

- taste: a favourite and a second best style (3.0, 1.8) and palette (3.0, 1.8), and a favourite medium (1.2).
  Style and palette are no columns: they show in picture and description, and dimly in the user's profile;
- appeal: a mild Zipf law over artworks. Taste and appeal together are `true_affinity`;
- season: two palettes a season gain 1.3 (winter: warm and twilight; spring: pastel and forest; summer: cool
  and neon; autumn: earth and mono);
- device: one composition each gains 0.6 (phone: centred; tablet: scattered; desktop: diagonal), and the hour
  of the day decides which device is likely;
- novelty: a new release gains 0.8, falling by a factor of e every 30 days;
- theme: in 70 % of the sessions the first artwork sets a theme for the rest: its style (1.5) or artist (2.5);
- standard Gumbel noise, which makes the choice a softmax over the sum.

One habit goes before all that, the planted sequence: after work j of a series the user looks at work j + 1
with probability 0.35 within a session, and 0.2 from the last event of a session to the first of the next,
provided it is released and unseen. 25 artworks are never shown, 20 users never come, and some artworks are
released in the last two months only.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from feature_pipeline.schema import SchemaError
from feature_pipeline.sources.artwork import STYLES, draw_artwork
from feature_pipeline.sources.artwork_sheet import COMPOSITIONS
from feature_pipeline.sources.raw import RawTable, RawTables
from feature_pipeline.sources.sample_behaviour import compute_affinity, simulate_interactions
from feature_pipeline.sources.sample_catalogue import PALETTE_NAMES, Catalogue, build_catalogue
from feature_pipeline.sources.sample_users import Audience, build_audience

_SEED_FILE = "seed.txt"


@dataclass(frozen=True)
class _World:
    """Catalogue and audience of one seed, and the generators for what follows from them."""

    catalogue: Catalogue
    audience: Audience
    affinity: np.ndarray
    behaviour_rng: np.random.Generator
    picture_rng: np.random.Generator


def _build_world(seed: int) -> _World:
    catalogue_rng, audience_rng, behaviour_rng, picture_rng = np.random.default_rng(seed).spawn(4)
    catalogue, audience = build_catalogue(catalogue_rng), build_audience(audience_rng)
    affinity = compute_affinity(catalogue, audience)
    return _World(catalogue, audience, affinity, behaviour_rng, picture_rng)


def _write_pictures(root: Path, catalogue: Catalogue, rng: np.random.Generator) -> None:
    (root / "images").mkdir()
    words = zip(
        catalogue.items["image"], catalogue.style, catalogue.palette, catalogue.composition, strict=True
    )
    progress = tqdm(words, total=len(catalogue.items), desc="drawing artworks", unit="picture", disable=None)
    for image, style, palette, composition in progress:
        picture = draw_artwork(STYLES[style], PALETTE_NAMES[palette], COMPOSITIONS[composition], rng)
        picture.save(root / image, compress_level=1)  # fast, and 8 % larger


def _write_files(root: Path, seed: int) -> None:
    world = _build_world(seed)
    _write_pictures(root, world.catalogue, world.picture_rng)
    interactions = simulate_interactions(world.catalogue, world.audience, world.affinity, world.behaviour_rng)
    tables = {"items": world.catalogue.items, "users": world.audience.users, "interactions": interactions}
    for name, table in tables.items():
        table.to_csv(root / f"{name}.csv", index=False, lineterminator="\n")
    (root / _SEED_FILE).write_text(f"{seed}\n")


def write(root: Path, seed: int) -> None:
    """Writes items.csv, users.csv, interactions.csv, images/<item_id>.png and seed.txt under `root`.

    The files are written beside `root` and moved there at the end, so `root` is never half-written.

    Args:
        root: a directory that does not exist yet or is empty.
        seed: the same seed writes the same bytes.

    Raises:
        SchemaError: `root` holds something already; delete it or choose another directory.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise SchemaError(
            f"root: expected a new or empty directory for the sample, but {root} is not; "
            "delete it or choose another directory"
        )
    root.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        _write_files(unfinished, seed)
        unfinished.chmod(0o755)  # mkdtemp keeps others out
        unfinished.replace(root)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _check_seed(root: Path, seed: int) -> None:
    path = root / _SEED_FILE
    if not path.exists():
        raise SchemaError(
            f"root: expected a directory written by the sample, but {root} has no {_SEED_FILE}; "
            "delete the directory to have the sample written anew, or give the root of the sample"
        )
    written = path.read_text().strip()
    if written != str(seed):
        raise SchemaError(
            f"seed: expected {written}, with which {root} was written, got {seed}; "
            f"ask for seed {written}, or delete the directory to have it written anew"
        )


def _read_table(path: Path) -> RawTable:
    ids = {"user_id": str, "item_id": str, "session": str}
    frame = pd.read_csv(path, dtype=ids)
    frame.index = pd.RangeIndex(2, len(frame) + 2)  # line 1 is the header
    return RawTable(frame=frame, file=str(path))


def read(root: Path, seed: int = 42) -> RawTables:
    """Reads the sample under `root`, and writes it first where `root` does not exist yet.

    Args:
        root: directory of the sample.
        seed: seed to write it with; must agree with the seed of what is there.

    Returns:
        The three tables with line numbers as index. Missing ages, series and profiles are null; `image` is a
        path relative to `root`.

    Raises:
        SchemaError: `root` exists but holds no sample; delete it or give another.
        SchemaError: `root` was written with another seed; ask for that one or delete `root`.
    """
    if not root.exists():
        write(root, seed)
    _check_seed(root, seed)
    return RawTables(
        users=_read_table(root / "users.csv"),
        items=_read_table(root / "items.csv"),
        interactions=_read_table(root / "interactions.csv"),
    )


def read_affinity(root: Path) -> pd.DataFrame:
    """The known answer of the sample under `root`, see `true_affinity`: users and items by id.

    Raises:
        SchemaError: `root` holds no sample; build its features first.
    """
    path = root / _SEED_FILE
    if not path.exists():
        raise SchemaError(
            f"root: expected a directory written by the sample, but {root} has no {_SEED_FILE}. "
            "Remedy: run make features first, or give the root of the sample"
        )
    world = _build_world(int(path.read_text()))
    items, users = world.catalogue.items["item_id"], world.audience.users["user_id"]
    return pd.DataFrame(world.affinity, index=pd.Index(users), columns=pd.Index(items))


def true_affinity(seed: int) -> np.ndarray:
    """Returns the known answer: taste plus appeal, the utility that time and context do not change.

    Returns:
        [num_users, num_items] float32 in the row order of users.csv and items.csv; higher is liked more.
    """
    return _build_world(seed).affinity
