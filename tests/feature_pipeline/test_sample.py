"""The built-in data set holds what its docstring promises, and its known answer is the right one."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from feature_pipeline.schema import SchemaError
from feature_pipeline.sources import sample
from feature_pipeline.sources.artwork_sheet import COMPOSITIONS, PALETTES, rgb
from feature_pipeline.sources.raw import RawTables
from feature_pipeline.sources.sample_behaviour import EVENT_WEIGHTS, SEASON_PALETTES
from feature_pipeline.sources.sample_catalogue import build_catalogue
from feature_pipeline.sources.sample_users import build_audience
from feature_pipeline.sources.sample_words import (
    COMPOSITION_WORDS,
    PALETTE_TASTES,
    PALETTE_WORDS,
    STYLE_WORDS,
    compose_title,
)

SEED = 42
PALETTE_NAMES = tuple(PALETTES)
NUMERALS = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6}


def _spot(sentences: pd.Series, words: dict[str, tuple[str, ...]]) -> pd.Series:
    """Returns which key's phrases each sentence contains; null where none does."""
    name_of = {phrase.lower(): name for name, phrases in words.items() for phrase in phrases}
    pattern = "|".join(re.escape(phrase) for phrase in sorted(name_of, key=len, reverse=True))
    return sentences.str.lower().str.extract(f"({pattern})", expand=False).map(name_of)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "root"
    sample.write(path, SEED)
    return path


@pytest.fixture(scope="module")
def tables(root) -> RawTables:
    return sample.read(root, SEED)


@pytest.fixture(scope="module")
def affinity() -> np.ndarray:
    return sample.true_affinity(SEED)


@pytest.fixture(scope="module")
def items(tables) -> pd.DataFrame:
    """Items with the style, palette and composition their descriptions tell, and the place in the series."""
    description = tables.items.frame["description"]
    position = tables.items.frame["title"].str.extract(r" ([IV]+)$", expand=False).map(NUMERALS)
    return tables.items.frame.assign(
        style=_spot(description, STYLE_WORDS),
        palette=_spot(description, PALETTE_WORDS),
        composition=_spot(description, COMPOSITION_WORDS),
        position=position,
    )


@pytest.fixture(scope="module")
def events(tables, items) -> pd.DataFrame:
    """Interactions in order of time with what is known of user and item, rows numbered from 0."""
    frame = tables.interactions.frame.merge(items, on="item_id", how="left")
    frame["event_time"] = pd.to_datetime(frame["event_time"])
    frame["user"] = pd.Index(tables.users.frame["user_id"]).get_indexer(frame["user_id"])
    frame["item"] = pd.Index(items["item_id"]).get_indexer(frame["item_id"])
    return frame


def _ndcg(scores: np.ndarray, seen: np.ndarray, targets: np.ndarray, k: int = 10) -> float:
    top = np.argsort(-np.where(seen, -np.inf, scores), kind="stable")[:k]
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    return float(discounts[np.isin(top, targets)].sum() / discounts[: len(targets)].sum())


def _mean_ndcg(scores: np.ndarray, events: pd.DataFrame) -> float:
    """Ranks all unseen items for each user of the last tenth of events; scores are [num_users, num_items]."""
    cut = int(0.9 * len(events))
    history, future = events.iloc[:cut], events.iloc[cut:]
    seen = np.zeros(scores.shape, dtype=bool)
    seen[history["user"], history["item"]] = True
    return float(np.mean([_ndcg(scores[u], seen[u], chosen) for u, chosen in future.groupby("user")["item"]]))


def test_counts_are_as_promised(tables, events):
    users, items = tables.users.frame, tables.items.frame
    assert (len(users), len(items), items["artist"].nunique()) == (500, 600, 40)
    assert 18_000 < len(events) < 22_000
    assert users["user_id"].nunique() - events["user_id"].nunique() == 20
    assert 25 <= items["item_id"].nunique() - events["item_id"].nunique() <= 35
    assert 15 <= (items["released"] >= "2025-05-01").sum() <= 90
    assert events["event_time"].min() >= pd.Timestamp("2024-01-01", tz="UTC")
    assert events["event_time"].max() < pd.Timestamp("2025-07-01", tz="UTC")


def test_columns(tables):
    assert " ".join(tables.users.frame) == "user_id age country profile"
    assert " ".join(tables.items.frame) == (
        "item_id title artist medium subject series year price released description image"
    )
    assert " ".join(tables.interactions.frame) == (
        "user_id item_id event_time event_type weight season session device location"
    )


def test_index_is_the_line_number_and_file_is_named(tables):
    for table, key in (
        (tables.users, "user_id"),
        (tables.items, "item_id"),
        (tables.interactions, "user_id"),
    ):
        lines = Path(table.file).read_text().splitlines()
        assert len(lines) == len(table.frame) + 1
        for number in (2, 3, len(lines)):
            assert lines[number - 1].split(",")[0] == table.frame.loc[number, key]


def test_some_values_are_missing(tables):
    users = tables.users.frame
    assert 0.04 < users["age"].isna().mean() < 0.12
    assert 0.02 < users["profile"].isna().mean() < 0.10
    assert users["age"].dropna().between(18, 85).all()


def test_every_item_has_its_picture(root, tables):
    assert sorted(f"images/{path.name}" for path in (root / "images").iterdir()) == sorted(
        tables.items.frame["image"]
    )
    with Image.open(root / tables.items.frame["image"].iloc[0]) as image:
        assert image.size == (144, 192)


def test_nobody_sees_an_item_twice_or_before_its_release(events):
    assert not events.duplicated(["user_id", "item_id"]).any()
    assert (events["event_time"] >= pd.to_datetime(events["released"], utc=True)).all()


def test_activity_is_heavy_tailed_and_events_are_in_order(events):
    per_user = events["user_id"].value_counts()
    assert per_user.between(5, 150).all()
    assert per_user.quantile(0.9) > 2 * per_user.median()
    assert events["event_time"].is_monotonic_increasing
    assert not events.duplicated(["user_id", "event_time"]).any()


def test_a_session_is_one_visit_of_one_user(events):
    context = events.groupby("session")[["user_id", "season", "device", "location"]].nunique()
    assert (context == 1).all(axis=None)
    times = events.groupby("session")["event_time"]
    assert (times.max() - times.min()).max() < pd.Timedelta(hours=1)
    assert events.groupby("user_id")["session"].nunique().median() >= 4


def test_weight_and_season_follow_from_type_and_month(events):
    assert (events["weight"] == events["event_type"].map(EVENT_WEIGHTS)).all()
    shares = events["event_type"].value_counts(normalize=True)
    assert shares["view"] > shares["save"] > shares["purchase"] > 0.02
    months = events.groupby("season")["event_time"].agg(lambda times: sorted(times.dt.month.unique()))
    assert months.to_dict() == {
        "winter": [1, 2, 12],
        "spring": [3, 4, 5],
        "summer": [6, 7, 8],
        "autumn": [9, 10, 11],
    }


def test_series_hold_three_to_six_works_released_in_order(items):
    series = items.dropna(subset=["series"]).sort_values(["series", "position"])
    by_series = series.groupby("series")
    assert set(by_series.size()) == {3, 4, 5, 6}
    assert (by_series["artist"].nunique() == 1).all()
    assert (by_series["position"].agg(list) == by_series.size().map(lambda n: list(range(1, n + 1)))).all()
    assert by_series["released"].agg(lambda days: days.is_monotonic_increasing).all()


def test_descriptions_tell_style_and_palette_in_many_ways(items):
    assert items[["style", "palette"]].notna().all(axis=None)
    assert items["composition"].notna().mean() > 0.7
    assert items["description"].nunique() > 500
    assert items["title"].is_unique


def test_pictures_show_the_palette_of_the_description(root, items):
    colours = np.array([[rgb(code) for code in PALETTES[name]] for name in PALETTE_NAMES], dtype=np.float32)
    chosen = items.iloc[::10]
    nearest = []
    for image in chosen["image"]:
        pixels = np.asarray(Image.open(root / image).reduce(4), dtype=np.float32).reshape(-1, 1, 1, 3)
        distance = np.linalg.norm(pixels - colours, axis=3).min(axis=2).mean(axis=0)
        nearest.append(PALETTE_NAMES[distance.argmin()])
    assert (np.array(nearest) == chosen["palette"].to_numpy()).mean() > 0.9


def test_profiles_tell_of_the_taste(tables, items, affinity):
    spoken = _spot(tables.users.frame["profile"], PALETTE_TASTES).to_numpy()
    of_palette = {name: affinity[:, items["palette"] == name].mean(axis=1) for name in PALETTE_NAMES}
    users = np.flatnonzero(pd.notna(spoken))
    lift = [of_palette[spoken[user]][user] - affinity[user].mean() for user in users]
    assert len(users) > 300
    assert np.mean(np.array(lift) > 0.5) > 0.95


def test_true_affinity_has_the_shape_of_the_tables(affinity):
    assert (affinity.shape, affinity.dtype) == ((500, 600), np.float32)
    np.testing.assert_array_equal(affinity, sample.true_affinity(SEED))
    assert (affinity != sample.true_affinity(SEED + 1)).mean() > 0.5


def test_true_affinity_ranks_far_better_than_popularity(affinity, events):
    counts = np.bincount(events["item"].iloc[: int(0.9 * len(events))], minlength=affinity.shape[1])
    popularity = _mean_ndcg(np.broadcast_to(counts.astype(float), affinity.shape), events)
    assert 0.01 < popularity < 0.05
    assert _mean_ndcg(affinity, events) > 5 * popularity


def test_true_affinity_explains_what_is_bought(affinity, events):
    liking = pd.Series(affinity[events["user"], events["item"]]).groupby(events["event_type"]).mean()
    assert liking["purchase"] > liking["save"] > liking["view"] > affinity.mean() + 1


def test_next_work_of_the_series_follows(events):
    """Of the steps from a work that has a successor about 3 in 10 lead to it, and few steps lead back."""
    steps = events.sort_values(["user", "event_time"], kind="stable")
    before = steps.groupby("session")[["series", "position"]].shift()
    last_position = steps["series"].map(steps.groupby("series")["position"].max())
    same_series = steps["series"] == before["series"]
    is_next = same_series & (steps["position"] == before["position"] + 1)
    has_next = before["series"].notna() & (
        before["position"] < before["series"].map(dict(zip(steps["series"], last_position, strict=True)))
    )
    assert 0.22 < is_next[has_next].mean() < 0.38
    assert is_next.sum() > 5 * (same_series & (steps["position"] == before["position"] - 1)).sum()


def test_sessions_keep_to_a_theme(events):
    """Neighbours in a session share the style more often than neighbours across two sessions do."""
    steps = events.sort_values(["user", "event_time"], kind="stable")
    before = steps.groupby("user")[["style", "session", "series"]].shift()
    steps, before = steps[before["style"].notna()], before.dropna(subset=["style"])
    other_series = steps["series"].isna() | (steps["series"] != before["series"])
    same_style = (steps["style"] == before["style"])[other_series]
    same_session = (steps["session"] == before["session"])[other_series]
    assert same_style[same_session].mean() > same_style[~same_session].mean() + 0.05


@pytest.mark.parametrize("season", SEASON_PALETTES)
def test_season_shifts_the_palettes(season, events):
    favoured = events["palette"].isin(SEASON_PALETTES[season])
    in_season = events["season"] == season
    assert favoured[in_season].mean() > 1.3 * favoured[~in_season].mean()


@pytest.mark.parametrize(
    ("device", "composition"), [("phone", "centred"), ("tablet", "scattered"), ("desktop", "diagonal")]
)
def test_device_leans_to_a_composition(device, composition, events):
    assert composition in COMPOSITIONS
    told = events.dropna(subset=["composition"])
    suits, on_device = told["composition"] == composition, told["device"] == device
    assert suits[on_device].mean() > suits[~on_device].mean() + 0.05


def test_new_releases_are_looked_at_more_often(events):
    """Items released during the period count more events in their first 30 days than in days 60 to 89."""
    released = pd.to_datetime(events["released"], utc=True)
    in_time = (released >= "2024-01-01") & (released < "2025-03-01")
    age = (events["event_time"] - released)[in_time].dt.days
    assert (age < 30).sum() > 1.15 * age.between(60, 89).sum()


def test_same_seed_writes_the_same_bytes(root, tmp_path):
    again = tmp_path / "again"
    sample.read(again, SEED)
    names = sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert len(names) == 604
    assert [name for name in names if (root / name).read_bytes() != (again / name).read_bytes()] == []
    assert list(tmp_path.iterdir()) == [again]


def test_other_seed_makes_another_world():
    one, other = np.random.default_rng(1), np.random.default_rng(2)
    assert not build_catalogue(one).items["title"].equals(build_catalogue(other).items["title"])
    assert not build_audience(one).users["profile"].equals(build_audience(other).users["profile"])


def test_titles_do_not_repeat():
    taken: set[str] = set()
    titles = [compose_title("sea", taken, np.random.default_rng(0)) for _ in range(90)]
    assert len(set(titles)) == 90 == len(taken)


def test_interrupted_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sample, "draw_artwork", interrupt)
    with pytest.raises(KeyboardInterrupt):
        sample.write(tmp_path / "root", SEED)
    assert list(tmp_path.iterdir()) == []


def test_write_does_not_touch_what_is_there(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(SchemaError, match=r"root: expected a new or empty directory .* delete it or choose"):
        sample.write(tmp_path, SEED)
    assert (tmp_path / "mine.txt").read_text() == "keep"


def test_read_refuses_a_directory_without_a_sample(tmp_path):
    with pytest.raises(SchemaError, match=r"root: expected a directory .* has no seed.txt; delete"):
        sample.read(tmp_path, SEED)


def test_read_refuses_another_seed(root):
    with pytest.raises(SchemaError, match=r"seed: expected 42, .* got 7; ask for seed 42, or delete"):
        sample.read(root, 7)
