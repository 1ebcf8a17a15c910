"""What may be asked: typed, bounded, with examples."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from feature_pipeline.events import Event
from feature_pipeline.events.event import ContractId
from inference.ask import Ask
from inference.choice import Wish

MOST = 1000
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
# Beyond these JSON readers of other languages lose digits.
_LARGEST = 2**53


def _read_moment(value: Any) -> datetime:
    """ISO 8601, UTC where it names no zone; pydantic would count a bare number as seconds since 1970."""
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("expected a time in ISO 8601, as 2024-05-01T12:00:00Z") from None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"expected a time in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment


Count = Annotated[int, Field(ge=1, le=MOST)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=10_000)]
Number = (
    Annotated[int, Field(ge=-_LARGEST, le=_LARGEST)]
    | Annotated[float, Field(ge=-1e300, le=1e300, allow_inf_nan=False)]
)
Value = Text | Number | Annotated[list[Text], Field(max_length=100)] | None
Bound = Number | Text
Wanted = Text | Number | Annotated[list[Text], Field(min_length=1, max_length=100)] | dict[Name, Bound]
Values = Annotated[dict[Name, Value], Field(max_length=100)]
Filters = Annotated[
    dict[Name, Wanted],
    Field(
        max_length=20,
        description="By column of the items: a category or a list of them, a number, or `{min, max}`.",
        examples=[{"medium": ["oil", "ink"], "year": {"min": 1990}}],
    ),
]
ItemIds = Annotated[list[ContractId], Field(max_length=MOST)]
Moment = Annotated[datetime, BeforeValidator(_read_moment)]


class Body(BaseModel):
    """Base of every body: nothing is converted, and nothing beyond the fields is taken."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AskBody(Body):
    """Who asks, and when.

    Attributes:
        user_id: a known user; left out for somebody new.
        profile: what somebody new says, by column of the users.
        likes: items that the asker likes besides what is known, the latest last.
        as_of: the moment, UTC where it names no zone; left out for where the model's split asks.
        context: features of the moment; what is left open is taken from the user's latest event.
    """

    user_id: ContractId | None = Field(default=None, examples=["user-001"])
    profile: Values = {}
    likes: Annotated[list[ContractId], Field(max_length=100)] = []
    as_of: Moment | None = None
    context: Annotated[dict[Name, Text], Field(max_length=20)] = {}

    def build_ask(self) -> Ask:
        """Who asks.

        Raises:
            UserError: nobody, or somebody known with a profile.
        """
        return Ask(self.user_id, self.profile, self.likes)


class RecommendBody(AskBody):
    """Whom to recommend to, and what.

    Attributes:
        k: how many items; fewer where fewer are left.
        filters: what the items must have.
        exclude: items not to show.
        diversity: 0 for the best list, towards 1 for items that differ more.
        caps: how many items at most of one value, by column.
        duplicates: whether near-duplicates by content may be shown together.
        reasons: whether to say why.
    """

    k: Count = 10
    filters: Filters = {}
    exclude: ItemIds = []
    diversity: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    caps: Annotated[dict[Name, Count], Field(max_length=20)] = {}
    duplicates: bool = False
    reasons: bool = False

    def build_wish(self) -> Wish:
        """What is wanted of `Recommender.answer`."""
        return Wish(
            self.k,
            self.as_of,
            self.context,
            self.filters,
            self.exclude,
            self.diversity,
            self.caps,
            self.duplicates,
            self.reasons,
        )


class SimilarBody(Body):
    """Items like one.

    Attributes:
        item_id: a known item.
        by: in which space they are compared: `towers`, or an embedding column of the items.
        k: how many.
        filters: what the items must have.
    """

    item_id: ContractId = Field(examples=["art-0001"])
    by: Name = "tower"
    k: Count = 10
    filters: Filters = {}


class SearchBody(Body):
    """Items that a text describes.

    Attributes:
        text: what is looked for.
        k: how many.
        filters: what the items must have.
    """

    text: Annotated[str, Field(min_length=1, max_length=2000)] = Field(examples=["a quiet sea at dusk"])
    k: Count = 10
    filters: Filters = {}


class SearchForm(Body):
    """The same as a form, which may hold a picture besides, or instead of the text.

    Attributes:
        text: what is looked for.
        k: how many.
        filters: what the items must have.
    """

    # A form knows texts alone.
    model_config = ConfigDict(strict=False)

    text: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    k: Count = 10
    filters: Filters = {}


class EventsBody(Body):
    """Events to append, all of them or none.

    Attributes:
        events: see `Event`. Sent again unchanged, an event is not counted again.
    """

    events: Annotated[list[Event], Field(min_length=1, max_length=MOST)] = Field(
        examples=[
            [
                {
                    "event_id": "0d6c1c9e-2f5b-4d7e-9f67-3f0f6f3b5a11",
                    "user_id": "user-001",
                    "item_id": "art-0001",
                    "event_type": "like",
                    "event_time": "2026-05-01T12:00:00Z",
                    "provenance": "human",
                }
            ]
        ]
    )


class NewUser(Body):
    """A user who registers.

    Attributes:
        user_id: an id that nobody has.
        profile: declared columns of the users table; what is left open is unknown.
    """

    user_id: ContractId
    profile: Values = {}


class UsersBody(Body):
    """Users to register, all of them or none.

    Attributes:
        users: sent again unchanged, a user is not registered again.
    """

    users: Annotated[list[NewUser], Field(min_length=1, max_length=100)] = Field(
        examples=[[{"user_id": "ada", "profile": {"age": 36, "country": "Italy"}}]]
    )


class NewItem(Body):
    """An item to add; one that is known is described anew.

    Attributes:
        item_id: its id.
        title: its title.
        features: declared columns of the items table; what is left open is unknown.
    """

    item_id: ContractId
    title: Text
    features: Values = {}


class ItemsBody(Body):
    """Items to add, all of them or none.

    Attributes:
        items: with different ids.
    """

    items: Annotated[list[NewItem], Field(min_length=1, max_length=100)] = Field(
        examples=[[{"item_id": "art-new", "title": "Harbour at Noon", "features": {"medium": "oil"}}]]
    )
