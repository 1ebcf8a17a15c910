"""How much the user has to do with the item's category, its creator, or whatever else groups items."""

import ibis
import ibis.expr.types as ir

from feature_pipeline.features.facts import QUERY, VALUE, Columns, Facts, choose, join_columns
from feature_pipeline.features.feature import TableFeature
from feature_pipeline.features.window import ALL, MICROSECONDS, Unit, Window, get_width
from feature_pipeline.point_in_time import AS_OF, ROW, Line, accumulate
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, USER_ID, FeatureSpec

# More values than any category has, so that a query and a value make one whole number.
_MAX_VALUES = 2**24


class PairCategory(TableFeature):
    """The user's earlier events with items of this item's category, for each categorical item feature.

    - `pair_times_met_<category>`: how many (float64), of the value met most;
    - `pair_days_since_<category>`: since the last of them (float64);
    - `pair_share_<category>`, `pair_share_<category>_30d`: their share of all the user's events in the window
      (float64 in [0, 1]), the mean over the item's values.

    Null where the item has no value, or the user no event in the window.

    Attributes:
        windows: how far back the shares look.
        unit: of the time, and in its column's name.
        categories: which item features; all categorical ones where none is named.
    """

    side = "pair"
    windows: tuple[Window, ...] = (ALL,)
    unit: Unit = "days"
    categories: tuple[str, ...] = ()

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [spec for category in self._choose(columns) for spec in self._list_specs(category)]

    def compute(self, facts: Facts) -> ir.Table:
        table = facts.rows.select(ROW)
        for category in self._choose(facts.columns):
            table = join_columns(table, self._compute(facts, category))
        return table

    def _choose(self, columns: Columns) -> tuple[str, ...]:
        return choose(self.categories, columns.categories, "point_in_time.pair_category.categories")

    def _list_specs(self, category: str) -> list[FeatureSpec]:
        words = category.replace("_", " ")
        return [
            FeatureSpec(name_met(category), "pair", "numeric", f"{words} you know well"),
            FeatureSpec(f"pair_{self.unit}_since_{category}", "pair", "numeric"),
            *(
                FeatureSpec(name_share(category, window), "pair", "numeric", f"{words} you choose often")
                for window in self.windows
            ),
        ]

    def _compute(self, facts: Facts, category: str) -> ir.Table:
        values = facts.get_values(category)
        rows = facts.rows.inner_join(values, ITEM_ID).select(ROW, QUERY, VALUE)
        rows = facts.share(f"rows_of_{category}", rows)
        found = self._look_up(facts, category, rows).drop(ROW)
        joined = rows.inner_join(found, [QUERY, VALUE])
        last = (joined[AS_OF] - joined[f"same_{ALL}_{EVENT_TIME}"]) / MICROSECONDS[self.unit]
        shares = {name_share(category, window): _divide(joined, window) for window in self.windows}
        return joined.group_by(ROW).aggregate(
            **{
                name_met(category): joined[f"same_{ALL}_events"].fill_null(0).max().cast("float64"),
                f"pair_{self.unit}_since_{category}": last.min(),
                **shares,
            }
        )

    def _look_up(self, facts: Facts, category: str, rows: ir.Table) -> ir.Table:
        """The states of each query's user with each value asked for, now and before every window."""
        events = facts.events_of_users.inner_join(facts.get_values(category), ITEM_ID)
        events = events.select(USER_ID, VALUE, EVENT_TIME)
        key = (USER_ID, VALUE)
        with_value = accumulate(events, key, events=Line(events, key).count())
        with_value = facts.share(f"states_of_{category}", with_value)
        # Candidates of one query share values, and each is looked up once.
        asked = rows.select(QUERY, VALUE).distinct().inner_join(facts.queries.drop(ROW), QUERY)
        asked = asked.mutate(**{ROW: ibis._[QUERY] * _MAX_VALUES + ibis._[VALUE]})
        asked = facts.share(f"asked_of_{category}", asked.select(ROW, QUERY, USER_ID, VALUE, AS_OF))
        for window in dict.fromkeys([ALL, *self.windows]):
            width = get_width(window)
            asked = facts.look_up_states(asked, with_value, key, width, f"same_{window}_")
            asked = facts.look_up(asked, "user", width, f"every_{window}_")
        return asked


def name_met(category: str) -> str:
    """The column that counts earlier events with the item's category."""
    return f"pair_times_met_{category}"


def name_share(category: str, window: Window = ALL) -> str:
    """The column that holds the category's share of the user's events."""
    return f"pair_share_{category}" + ("" if window == ALL else f"_{window}")


def _divide(joined: ir.Table, window: Window) -> ir.FloatingValue:
    """The mean of the values' shares, as one division of whole numbers."""
    same = _within(joined, "same", window).sum()
    every = _within(joined, "every", window).max()
    return same / (joined.count() * every).nullif(0)


def _within(joined: ir.Table, name: str, window: Window) -> ir.IntegerValue:
    now = joined[f"{name}_{ALL}_events"].fill_null(0)
    return now if window == ALL else now - joined[f"{name}_{window}_events"].fill_null(0)
