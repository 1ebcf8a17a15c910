"""The default features as a pandas user writes them: groupby, rolling and merge_asof, ties respected."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

DAY = pd.Timedelta(days=1)
SESSION = pd.Timedelta(minutes=30)
REACH, LASTS = 3, (1, 3, 5)


def compute_query_features(interactions: pd.DataFrame) -> pd.DataFrame:
    """User activity, the clock and the session of each event, in the order given."""
    events = interactions.sort_values(["user_id", "event_time"], kind="stable")
    time, user = events["event_time"], events["user_id"]
    instant = [user, time]
    by_user = events.groupby("user_id", sort=False)
    # All events of one instant know what the first of them knew.
    before = by_user.cumcount().groupby(instant, sort=False).transform("min")
    last = time.groupby(user, sort=False).shift().groupby(instant, sort=False).transform("first")
    first = by_user["event_time"].transform("first")
    columns = {
        "user_events_before": before,
        "user_events_30d": _count_window(events, "user_id", "30D"),
        "user_days_since_last": (time - last) / DAY,
        "user_mean_gap_days": (last - first) / (before - 1).where(before > 1) / DAY,
    }
    days = (time - pd.Timestamp(0)) / DAY
    for name, period in (("hour", 1.0), ("weekday", 7.0), ("year", 365.2425)):
        columns[f"context_{name}_sin"] = np.sin(days * 2 * np.pi / period)
        columns[f"context_{name}_cos"] = np.cos(days * 2 * np.pi / period)
    is_start = last.isna() | (time - last > SESSION)
    start = time.where(is_start).groupby(user, sort=False).ffill()
    before_start = before.where(is_start).groupby(user, sort=False).ffill()
    columns["context_session_position"] = (before - before_start).where(~is_start, 0)
    columns["context_session_minutes"] = ((time - start) / pd.Timedelta(minutes=1)).where(~is_start, 0)
    return pd.DataFrame(columns, index=events.index).sort_index().astype("float64")


def compute_row_features(interactions: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Popularity of each event's item, and what it has to do with the user, in the order given."""
    parts = [
        _describe_item(interactions),
        _describe_pair(interactions),
        *(_describe_category(interactions, items, category) for category in ("genre", "maker")),
        _describe_closeness(interactions, items, "year"),
        _describe_steps(interactions),
    ]
    return pd.concat(parts, axis=1).astype("float64")


def _count_window(events: pd.DataFrame, key: str, width: str) -> np.ndarray:
    """Events of the key in `[t - width, t)`; the events are sorted by key and time."""
    timed = events.set_index("event_time").groupby(key, sort=False)["weight"]
    return timed.rolling(width, closed="left").count().fillna(0).to_numpy()


def _describe_item(interactions: pd.DataFrame) -> pd.DataFrame:
    events = interactions.sort_values(["item_id", "event_time"], kind="stable")
    time, item = events["event_time"], events["item_id"]
    by_item, instant = events.groupby("item_id", sort=False), [item, time]
    before = by_item.cumcount().groupby(instant, sort=False).transform("min")
    weight = (by_item["weight"].cumsum() - events["weight"]).groupby(instant, sort=False).transform("first")
    windows = {
        f"item_events_{days}d": _count_window(events, "item_id", f"{days}D") for days in (1, 7, 30, 365)
    }
    columns = {
        "item_events_before": before,
        **windows,
        "item_age_days": ((time - by_item["event_time"].transform("first")) / DAY).where(before > 0),
        "item_mean_weight": weight / before.where(before > 0),
    }
    frame = pd.DataFrame(columns, index=events.index)
    month = frame["item_events_30d"].where(frame["item_events_30d"] > 0)
    frame["item_trend"] = frame["item_events_7d"] * (30 / 7) / month
    return frame.sort_index()


def _describe_pair(interactions: pd.DataFrame) -> pd.DataFrame:
    key = ["user_id", "item_id"]
    events = interactions.sort_values([*key, "event_time"], kind="stable")
    instant = [*key, "event_time"]
    met = events.groupby(key, sort=False).cumcount()
    last = events.groupby(key, sort=False)["event_time"].shift()
    frame = events[instant].assign(met=met, last=last)
    by_instant = frame.groupby(instant, sort=False)
    since = (events["event_time"] - by_instant["last"].transform("first")) / DAY
    columns = {"pair_times_met": by_instant["met"].transform("min"), "pair_days_since_met": since}
    return pd.DataFrame(columns, index=events.index).sort_index()


def _describe_category(interactions: pd.DataFrame, items: pd.DataFrame, category: str) -> pd.DataFrame:
    values = items[["item_id", category]].explode(category).drop_duplicates()
    events = interactions[["user_id", "item_id", "event_time"]].reset_index(names="row")
    rows = events.merge(values, on="item_id")
    key = ["user_id", category]
    rows = rows.sort_values([*key, "event_time"], kind="stable")
    by_key = rows.groupby(key, sort=False)
    rows["same"], rows["last"] = by_key.cumcount(), by_key["event_time"].shift()
    by_instant = rows.groupby([*key, "event_time"], sort=False)
    rows["same"], rows["last"] = by_instant["same"].transform("min"), by_instant["last"].transform("first")
    of_row = rows.groupby("row").agg(
        same=("same", "sum"), most=("same", "max"), values=("same", "size"), last=("last", "max")
    )
    of_user = events.sort_values(["user_id", "event_time"], kind="stable")
    every = of_user.groupby("user_id", sort=False).cumcount()
    every = (
        every.groupby([of_user["user_id"], of_user["event_time"]], sort=False).transform("min").sort_index()
    )
    columns = {
        f"pair_times_met_{category}": of_row["most"],
        f"pair_days_since_{category}": (interactions["event_time"] - of_row["last"]) / DAY,
        f"pair_share_{category}": of_row["same"] / (of_row["values"] * every.where(every > 0)),
    }
    return pd.DataFrame(columns)


def _describe_closeness(interactions: pd.DataFrame, items: pd.DataFrame, number: str) -> pd.DataFrame:
    events = interactions[["user_id", "item_id", "event_time"]].reset_index(names="row")
    events = events.merge(items[["item_id", number]], on="item_id")
    events = events.sort_values(["user_id", "event_time"], kind="stable")
    by_user = events.groupby("user_id", sort=False)
    before, total = by_user.cumcount(), by_user[number].cumsum() - events[number]
    instant = [events["user_id"], events["event_time"]]
    usual = total.groupby(instant, sort=False).transform("first") / before.groupby(
        instant, sort=False
    ).transform("min")
    gap = (events[number] - usual).set_axis(events["row"]).sort_index()
    return pd.DataFrame({f"pair_{number}_against_usual": gap})


def _describe_steps(interactions: pd.DataFrame) -> pd.DataFrame:
    """Transitions and co-occurrence: what had happened between the last items and the event's own."""
    events = interactions.sort_values(["user_id", "event_time", "event_order"])
    steps = pd.concat([_list_steps(events, back) for back in (*range(1, REACH + 1), *range(-REACH, 0))])
    steps = steps.sort_values("event_time", kind="stable")
    steps["near"] = steps.groupby(["from_item", "item_id"], sort=False).cumcount() + 1
    steps["direct"] = steps.groupby(["from_item", "item_id"], sort=False)["is_direct"].cumsum()
    steps["left"] = steps.groupby("from_item", sort=False)["is_direct"].cumsum()
    item_events = _describe_item(interactions)["item_events_before"]
    shares, weights = [], []
    for back in range(1, max(LASTS) + 1):
        recent = events.groupby("user_id", sort=False)["item_id"].shift(back).rename("from_item")
        asked = events[["item_id", "event_time"]].assign(from_item=recent).reset_index(names="row")
        asked = asked.dropna(subset="from_item").sort_values("event_time", kind="stable")
        taken = _look_up(asked, steps, ["from_item", "item_id"], ["near", "direct"])
        left = _look_up(asked, steps, ["from_item"], ["left"])["left"].reindex(taken.index).fillna(0)
        shares.append((taken["direct"].fillna(0) / left.where(left > 0)).reindex(events.index))
        expected = np.sqrt(left * item_events.reindex(taken.index))
        weights.append((taken["near"].fillna(0) / expected.where(expected > 0)).reindex(events.index))
    num_recent = events.groupby("user_id", sort=False).cumcount().clip(upper=max(LASTS))
    columns = {f"pair_transitions_last{n}": pd.concat(shares[:n], axis=1).mean(axis=1) for n in LASTS}
    columns["pair_cooccurrence"] = pd.concat(weights, axis=1).sum(axis=1) / num_recent.where(num_recent > 0)
    return pd.DataFrame(columns).sort_index()


def _list_steps(events: pd.DataFrame, back: int) -> pd.DataFrame:
    by_user = events.groupby("user_id", sort=False)
    later = events["event_time"] if back > 0 else by_user["event_time"].shift(back)
    frame = pd.DataFrame(
        {"from_item": by_user["item_id"].shift(back), "item_id": events["item_id"], "event_time": later}
    )
    return frame.dropna().assign(is_direct=int(back == 1))


def _look_up(
    asked: pd.DataFrame, steps: pd.DataFrame, by: Sequence[str], values: Sequence[str]
) -> pd.DataFrame:
    states = steps[[*by, "event_time", *values]]
    found = pd.merge_asof(asked, states, on="event_time", by=list(by), allow_exact_matches=False)
    return found.set_index("row")[list(values)]
