"""People in a real browser: Chromium without a window, driven by Playwright."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from feature_pipeline.events import Event, open_log

CHROMIUM = Path("/usr/bin/chromium")
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
_OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
PATIENCE_MS = 60_000
NUM_CARDS = 12
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=_OPTIONS.split())
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visitor:
    """Somebody before the page.

    Attributes:
        page: what they see.
        url: of the page.
    """

    page: Page
    url: str

    def come_as(self, user_id: str) -> None:
        """Opens the page as a user."""
        self.page.goto(f"{self.url}/?user={user_id}")
        expect(self.cards.locator("h3")).to_have_count(NUM_CARDS)
        self.wait()

    def wait(self) -> None:
        """Until the page has been computed."""
        app = self.page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
        expect(app).to_be_visible()

    @property
    def cards(self) -> Locator:
        """What is recommended."""
        return self.page.locator(".st-key-cards > *")

    @property
    def found(self) -> Locator:
        """What was found."""
        return self.page.locator(".st-key-found > *")

    @property
    def titles(self) -> list[str]:
        """Of what is recommended, as they can be read."""
        return [text.strip() for text in self.cards.locator("h3").all_inner_texts()]

    @property
    def history(self) -> list[str]:
        """Titles of what was met, the latest first."""
        titles = self.page.locator(".st-key-history .strip span").all_inner_texts()
        return [title.strip() for title in titles]

    def like(self, place: int, clicks: int = 1) -> str:
        """Likes a card and waits until another is in its place; returns its title."""
        heading = self.cards.nth(place).locator("h3")
        title = heading.inner_text()
        self.cards.nth(place).get_by_role("button", name="Like").click(click_count=clicks)
        expect(heading).not_to_have_text(title)
        self.wait()
        return title.strip()

    def press(self, name: str) -> None:
        """Presses a button."""
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def turn_to(self, room: str) -> None:
        """Opens a tab."""
        self.page.get_by_role("tab", name=room).click()
        expect(self.page.get_by_role("tab", name=room)).to_have_attribute("aria-selected", "true")
        self.page.wait_for_timeout(200)
        self.wait()

    def is_wider_than_the_screen(self) -> bool:
        """Whether anything could be moved sideways that should not be."""
        script = """() => [document.documentElement, document.querySelector('[data-testid="stMain"]')]
            .some(part => part.scrollWidth > part.clientWidth)"""
        return bool(self.page.evaluate(script))

    def is_harmed(self) -> bool:
        """Whether a script of an item's or a user's text has run."""
        return bool(self.page.evaluate("() => 'harmed' in window"))


@dataclass(frozen=True)
class Log:
    """The event log, as it lies on the disk.

    Attributes:
        place: its file.
    """

    place: Path

    def read(self, user_id: str) -> list[Event]:
        """The events of a user."""
        with open_log(str(self.place)) as log:
            return [event for _, event in log.read() if event.user_id == user_id]

    def count(self, user_id: str) -> Counter[str]:
        """How many of each type; no two have one id."""
        events = self.read(user_id)
        assert len({event.event_id for event in events}) == len(events)
        return Counter(event.event_type for event in events)


def name_user(url: str) -> str:
    """The user whom an address names."""
    found = re.search(r"[?&]user=([^&]+)", url)
    assert found
    return found[1]
