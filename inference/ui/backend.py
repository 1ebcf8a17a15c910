"""What the page asks for, whether the library answers it in this process or a running service does."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from feature_pipeline.events import Event
from inference.service.answers import Appended, Embedded, Findings, History, Recommendations, Registration
from inference.service.requests import AskBody, RecommendBody, SearchForm, SimilarBody, UsersBody


class Backend(ABC):
    """Answers as the service does, to the same requests. Threads may share it.

    Every method raises `UserError` where the service refuses: the message says what to do.
    """

    @abstractmethod
    def name_bundle(self) -> str:
        """The id of the bundle that answers now."""

    @abstractmethod
    def recommend(self, body: RecommendBody) -> Recommendations:
        """Items for somebody, the best first."""

    @abstractmethod
    def embed(self, body: AskBody) -> Embedded:
        """Where the query tower puts somebody."""

    @abstractmethod
    def similar(self, body: SimilarBody) -> Findings:
        """Items like another."""

    @abstractmethod
    def search(self, body: SearchForm, image: bytes | None) -> Findings:
        """Items like a text, a picture, or both."""

    @abstractmethod
    def get_history(self, user_id: str, limit: int) -> History:
        """What a user has met, the latest first."""

    @abstractmethod
    def register(self, body: UsersBody) -> Registration:
        """Registers users, durably, all of them or none; sent again unchanged, they are there once."""

    @abstractmethod
    def append(self, events: Sequence[Event]) -> Appended:
        """Appends events, durably, all of them or none; sent again unchanged, they are there once."""

    @abstractmethod
    def close(self) -> None:
        """Lets go of what is open."""
