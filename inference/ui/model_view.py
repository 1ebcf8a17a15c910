"""The second room: how the model sees somebody, by two orders of the same items, and a map."""

import pandas as pd
import streamlit as st

from feature_pipeline.schema import TITLE
from inference.service.requests import MOST, AskBody, RecommendBody
from inference.ui.chart import build_points, count_unnamed, draw_map, name_categories
from inference.ui.filters import Choice
from inference.ui.markup import name_column, say
from inference.ui.orders import Orders
from inference.ui.session import Session
from inference.ui.visit import NUM_CARDS

_HISTORY = 50
_LEGEND = (
    "The cross is you, squares are recommended, circles are what you chose last. Near means: chosen by the "
    "same people. This plane holds {share} of how the items differ: what seems near here may be far in truth."
)


def show_model(session: Session) -> None:
    """Shows the room.

    Raises:
        UserError: what answers cannot be reached, or does not know the user.
    """
    orders = _ask_orders(session)
    _show_orders(session, orders)
    _show_map(session, [row.item_id for row in orders.explained])


def _ask_orders(session: Session) -> Orders:
    """All candidates, near-duplicates among them, so that no place of either order is left out."""
    k = min(MOST, session.gallery.bundle.ranker_config.candidates)
    body = RecommendBody(user_id=session.visit.user_id, k=k, duplicates=True)
    first = body.model_copy(update={"k": NUM_CARDS, "reasons": True})
    ranked = session.backend.recommend(body).recommendations
    return Orders(ranked, session.backend.recommend(first).recommendations)


def _show_orders(session: Session, orders: Orders) -> None:
    st.html(
        say(
            f"Of all items, the towers retrieve {len(orders.ranked)} for you, by what lies near you. The "
            "ranker looks at each of them more closely, and puts them in another order.",
            "lead",
        )
    )
    if session.gallery.bundle.ranker is None:
        st.html(say("This bundle has no ranker: both orders are the same.", "quiet"))
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.html(say("As retrieved", "heading", "h2"))
        st.html(orders.write_retrieved())
    with right:
        st.html(say("As ranked", "heading", "h2"))
        st.html(orders.write_ranked())


def _show_map(session: Session, recommended: list[str]) -> None:
    gallery, backend, user_id = session.gallery, session.backend, session.visit.user_id
    items = gallery.exhibits.items
    st.html(say("A map of the items", "heading", "h2"))
    choices = [control.column for control in gallery.controls if isinstance(control, Choice)]
    unnamed = {name: count_unnamed(items[name]) for name in choices}
    column = _ask_column(sorted(choices, key=unnamed.__getitem__))
    names, legend = name_categories(items[column] if column else pd.Series([[]] * len(items)))
    met = gallery.exhibits.find([past.item_id for past in backend.get_history(user_id, _HISTORY).events])
    best = gallery.exhibits.find(recommended)
    points = build_points(gallery.map.places, items[TITLE], names, [*met, *best])
    you = gallery.map.place(backend.embed(AskBody(user_id=user_id)).embedding)
    chart = draw_map(points, legend, points.loc[met], points.loc[best], you)
    st.vega_lite_chart(chart, width="stretch", theme=None)
    share = f"{gallery.map.explained:.0%}"
    st.html(say(_LEGEND.format(share=share), "quiet"))


def _ask_column(columns: list[str]) -> str | None:
    if len(columns) < 2:
        return columns[0] if columns else None
    return st.selectbox("Coloured by", columns, format_func=name_column, key="coloured", width=220)
