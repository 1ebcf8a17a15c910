"""A shop in three CSV files, without texts or pictures, so that its features build in a second."""

from pathlib import Path

import numpy as np
import pandas as pd
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from feature_pipeline.entry import CONF

NUM_USERS, NUM_ITEMS = 9, 7

CONFIG = """
name: shop
reader: tables
root: {root}
users: {{file: users.csv, key: user, features: {{age: {{kind: numeric}}}}}}
items: {{file: items.csv, key: item, title: item, features: {{kind_of: {{kind: categorical}}}}}}
interactions: {{file: events.csv, user_id: user, item_id: item, event_time: time, weight: stars}}
"""


def draw_events(count: int, seed: int, first: str = "2024-01-20", days: int = 100) -> pd.DataFrame:
    """`user, item, time, stars` in order of time, over several months; some share one second."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp(first).value // 10**9
    seconds = np.sort(rng.choice(days * 24 * 12, count, replace=False)) * 300
    frame = pd.DataFrame(
        {
            "user": rng.integers(0, NUM_USERS, count),
            "item": rng.integers(0, NUM_ITEMS, count),
            "time": start + seconds // 1200 * 1200,
            "stars": rng.integers(1, 6, count),
        }
    )
    return frame.drop_duplicates(["user", "item", "time"])


def write_shop(root: Path, events: pd.DataFrame) -> None:
    """Writes the three files under `root`."""
    root.mkdir(parents=True, exist_ok=True)
    users, items = range(NUM_USERS), range(NUM_ITEMS)
    pd.DataFrame({"user": users, "age": [20 + user for user in users]}).to_csv(
        root / "users.csv", index=False
    )
    kinds = [f"kind {item % 3}" for item in items]
    pd.DataFrame({"item": items, "kind_of": kinds}).to_csv(root / "items.csv", index=False)
    events.to_csv(root / "events.csv", index=False)


def write_config(folder: Path, root: Path) -> Path:
    """Writes the data set's YAML; `--config-dir` of the folder returned makes it `dataset=shop`."""
    (folder / "conf" / "dataset").mkdir(parents=True, exist_ok=True)
    (folder / "conf" / "dataset" / "shop.yaml").write_text(CONFIG.format(root=root))
    return folder / "conf"


def compose_shop(conf: Path, artifacts: Path, *more: str) -> DictConfig:
    """The composed config of `make features` for the shop."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        overrides = ["dataset=shop", f"artifacts={artifacts}", f"hydra.searchpath=[file://{conf}]", *more]
        return compose("features", overrides)
