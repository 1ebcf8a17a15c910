"""The page in a real browser: what people see and do, and exactly what stands in the log afterwards."""

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from feature_pipeline.entry import CONF
from inference.service.app import create_app
from tests.inference.answering import answer_on_a_port
from tests.inference.gallery import draw
from tests.inference.illustrated import BARE, BROKEN, NASTY
from tests.inference.service.running import run, wait_for
from tests.inference.service.world import make_settings
from tests.inference.ui.browsing import (
    CHROMIUM,
    DESKTOP,
    NUM_CARDS,
    PHONE,
    Log,
    Visitor,
    name_user,
    open_browser,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs {CHROMIUM}: apt-get install chromium"),
]

Come = Callable[..., Visitor]


@pytest.fixture(scope="module")
def artifacts(illustrated_artifacts: Path) -> Path:
    """A bundle of the tiny data set with pictures, and titles that try to do harm."""
    return illustrated_artifacts


@contextmanager
def show(artifacts: Path, *overrides: str) -> Iterator[str]:
    """Runs the page in a process of its own; gives its URL."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = run("inference.ui", artifacts, f"ui.port={port}", *overrides)
    output = artifacts / f"page-{port}"
    with output.open("wb") as stream:
        process = subprocess.Popen(command, cwd=CONF.parent, stdout=stream, stderr=stream)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(lambda: process.poll() is not None or url in output.read_text())
            assert process.poll() is None, output.read_text()
            yield url
        finally:
            process.terminate()
            assert process.wait(60) == 0, output.read_text()
    said = output.read_text()
    assert "Traceback" not in said, said


@pytest.fixture(scope="module")
def url(artifacts: Path) -> Iterator[str]:
    with show(artifacts) as shown:
        yield shown


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def come(browser: Browser, url: str) -> Iterator[Come]:
    """Brings somebody before the page, as a user or at the entrance."""
    opened = []

    def bring(user_id: str | None = None, screen: dict[str, int] = DESKTOP, url: str = url) -> Visitor:
        page = browser.new_context(viewport=screen).new_page()
        opened.append(page.context)
        visitor = Visitor(page, url)
        if user_id is None:
            page.goto(url)
            expect(page.get_by_text("Who is looking?")).to_be_visible()
        else:
            visitor.come_as(user_id)
        return visitor

    yield bring
    for context in opened:
        context.close()


@pytest.fixture(scope="module")
def log(artifacts: Path) -> Log:
    return Log(artifacts / "tiny" / "events.sqlite")


def test_a_user_is_chosen_likes_and_comes_back(come: Come, log: Log):
    visitor = come()
    visitor.page.get_by_placeholder("Find by id").fill("USER-02")
    visitor.page.get_by_placeholder("Find by id").press("Enter")
    expect(visitor.page.get_by_text("user-02")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Choose")).to_have_count(1)
    visitor.press("Choose")
    expect(visitor.cards.locator("h3")).to_have_count(NUM_CARDS)
    visitor.wait()
    before, met = visitor.titles, visitor.history
    liked = visitor.like(3)
    after = visitor.titles
    assert [*after[:3], *after[4:]] == [*before[:3], *before[4:]]
    assert after[3] not in before
    assert visitor.history == [liked, *met]
    assert log.count("user-02") == {"impression": NUM_CARDS + 1, "like": 1}
    visitor.page.reload()
    expect(visitor.cards.locator("h3")).to_have_count(NUM_CARDS)
    visitor.wait()
    assert name_user(visitor.page.url) == "user-02"
    assert visitor.history == [liked, *met]
    assert liked not in visitor.titles
    # A reload is another visit, whose cards are shown anew.
    assert log.count("user-02") == {"impression": 2 * NUM_CARDS + 1, "like": 1}
    (like,) = [event for event in log.read("user-02") if event.event_type == "like"]
    assert (like.position, like.provenance, like.event_time.tzname()) == (4, "human", "UTC")
    assert like.bundle is not None
    assert like.session is not None


def test_clicking_twice_counts_once_and_a_like_can_be_taken_back(come: Come, log: Log):
    visitor = come("user-04")
    before, met = visitor.titles, visitor.history
    liked = visitor.like(0, clicks=2)
    visitor.page.wait_for_timeout(500)
    visitor.wait()
    assert visitor.titles[1:] == before[1:]
    assert log.count("user-04") == {"impression": NUM_CARDS + 1, "like": 1}
    visitor.press("Take back the last like")
    expect(visitor.cards.first.locator("h3")).to_have_text(liked)
    visitor.wait()
    assert visitor.titles == before
    assert visitor.history == met
    assert log.count("user-04") == {"impression": NUM_CARDS + 1, "like": 1, "undo": 1}


def test_details_are_one_click_and_lead_to_similar_items(come: Come, log: Log):
    visitor = come("user-06")
    title = visitor.titles[1]
    visitor.cards.nth(1).get_by_role("button", name="Details").click()
    dialog = visitor.page.get_by_role("dialog")
    expect(dialog.locator("h1")).to_have_text(title)
    expect(dialog).to_contain_text("Price")
    expect(dialog).to_contain_text("number")
    similar = dialog.locator(".st-key-alike > *")
    expect(similar).to_have_count(6)
    visitor.wait()
    assert log.count("user-06") == {"impression": NUM_CARDS, "click": 1}
    other = similar.first.locator("h3").inner_text()
    similar.first.get_by_role("button", name="Details").click()
    expect(dialog.locator("h1")).to_have_text(other)
    dialog.get_by_role("button", name="Like", exact=True).first.click()
    expect(dialog.get_by_role("button", name="Liked").first).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    visitor.wait()
    expect(visitor.page.locator(".st-key-history .strip span").first).to_have_text(other)
    counted = log.count("user-06")
    assert (counted["click"], counted["like"]) == (2, 1)


def test_filters_and_variety_choose_other_cards(come: Come, log: Log):
    visitor = come("user-08")
    visitor.press("Refine")
    chooser = visitor.page.get_by_role("combobox", name="Shape")
    chooser.fill("square")
    chooser.press("Enter")
    facts = visitor.cards.locator(".facts")
    expect(facts.filter(has_text="square")).to_have_count(NUM_CARDS)
    visitor.wait()
    shown = visitor.titles
    visitor.page.get_by_role("slider", name="Variety").press("End")
    expect(visitor.page.locator(".st-key-variety")).to_contain_text("1.00")
    visitor.wait()
    visitor.page.wait_for_timeout(300)
    visitor.wait()
    assert visitor.titles != shown
    assert len(visitor.titles) == NUM_CARDS
    assert log.count("user-08") == {"impression": 3 * NUM_CARDS}


def test_search_by_words_by_a_picture_and_by_both(come: Come, log: Log, tmp_path: Path):
    visitor = come("user-10")
    words = visitor.page.get_by_placeholder("Search by words")
    words.fill("sailing through a tempest")
    words.press("Enter")
    expect(visitor.found).to_have_count(NUM_CARDS)
    visitor.found.first.get_by_role("button", name="Details").click()
    expect(visitor.page.get_by_role("dialog")).to_contain_text("a ship in a storm")
    visitor.press("Close")
    file = tmp_path / "lemons.png"
    draw("gold", 3).save(file)
    visitor.press("Picture")
    visitor.page.locator('input[type="file"]').set_input_files(file)
    visitor.page.wait_for_timeout(500)
    visitor.wait()
    words.fill("")
    words.press("Enter")
    visitor.page.wait_for_timeout(500)
    visitor.wait()
    expect(visitor.found).to_have_count(NUM_CARDS)
    visitor.page.keyboard.press("Escape")
    visitor.found.first.get_by_role("button", name="Details").click()
    expect(visitor.page.get_by_role("dialog")).to_contain_text("a bowl of lemons")
    # What is found was not recommended: it is no impression that a ranker should learn from.
    assert log.count("user-10") == {"impression": NUM_CARDS, "click": 2}


def test_somebody_new_says_who_they_are_and_likes_something(come: Come, log: Log):
    visitor = come()
    visitor.page.get_by_role("tab", name="Someone new").click()
    visitor.press("Show me what I may like")
    expect(visitor.page.locator(".trouble")).to_contain_text("Nothing said")
    visitor.page.get_by_label("Age").fill("33")
    visitor.page.get_by_label("About").fill("<b>Ships</b>, mostly")
    visitor.page.locator(".st-key-picks").get_by_text("I like it").nth(2).click()
    visitor.page.get_by_role("button", name="Show me what I may like").dblclick()
    expect(visitor.cards.locator("h3")).to_have_count(NUM_CARDS)
    visitor.wait()
    user_id = name_user(visitor.page.url)
    assert user_id.startswith("visitor-")
    assert len(visitor.history) == 1
    assert log.count(user_id) == {"impression": NUM_CARDS, "like": 1}
    visitor.page.reload()
    expect(visitor.cards.locator("h3")).to_have_count(NUM_CARDS)
    assert len(visitor.history) == 1


@pytest.mark.parametrize(("screen", "user_id"), [(DESKTOP, "user-39"), (PHONE, "user-38")])
def test_texts_of_items_do_no_harm(come: Come, log: Log, screen: dict[str, int], user_id: str):
    visitor = come(user_id, screen)
    read: list[str] = []
    while titles := visitor.titles:
        assert not visitor.is_wider_than_the_screen()
        read += titles
        visitor.press("Show others")
        expect(visitor.page.get_by_text(titles[0], exact=True)).to_have_count(0)
        visitor.wait()
    left = set(NASTY) - set(visitor.history)
    assert left <= set(read)
    assert len(read) == len(set(read))
    assert log.count(user_id) == {"impression": len(read)}
    visitor.turn_to("How the model sees it")
    assert not visitor.is_wider_than_the_screen()
    assert not visitor.is_harmed()


def test_items_without_a_picture_have_a_quiet_place(come: Come):
    visitor = come("user-12")
    words = visitor.page.get_by_placeholder("Search by words")
    for place in (BARE, BROKEN):
        words.fill(f"{('a forest in spring', 'a bowl of lemons')[place == BROKEN]}, number {place}")
        words.press("Enter")
        card = visitor.found.filter(has_text=NASTY[place]).first
        expect(card.locator(".blank")).to_be_visible()
        assert card.locator("img").count() == 0


def test_how_the_model_sees_somebody(come: Come):
    visitor = come("user-14")
    visitor.turn_to("How the model sees it")
    expect(visitor.page.locator(".order")).to_have_count(2)
    assert [order.locator("li").count() for order in visitor.page.locator(".order").all()] == [12, 12]
    expect(visitor.page.locator('[data-testid="stVegaLiteChart"]')).to_be_visible()
    assert not visitor.is_harmed()


def test_data_and_model(come: Come):
    visitor = come("user-16")
    visitor.turn_to("Data and model")
    report = visitor.page.frame_locator("iframe")
    expect(report.get_by_text("recommendations measured").first).to_be_visible()
    assert not visitor.is_harmed()


def test_nobody_of_that_name(come: Come):
    visitor = come()
    visitor.page.goto(f"{visitor.url}/?user=%3Cscript%3Ewindow.harmed%3D1%3C%2Fscript%3E")
    expect(visitor.page.locator(".trouble")).to_contain_text("is not known to bundle")
    assert not visitor.is_harmed()
    visitor.press("Begin again")
    expect(visitor.page.get_by_text("Who is looking?")).to_be_visible()


def test_over_a_running_service(come: Come, artifacts: Path, log: Log):
    app = create_app(make_settings(artifacts), threading.Event())
    with answer_on_a_port(app) as service, show(artifacts, f"ui.url={service}") as url:
        visitor = come("user-18", url=url)
        before = visitor.titles
        liked = visitor.like(2)
        assert [*visitor.titles[:2], *visitor.titles[3:]] == [*before[:2], *before[3:]]
        assert visitor.history[0] == liked
        assert log.count("user-18") == {"impression": NUM_CARDS + 1, "like": 1}
        visitor.turn_to("How the model sees it")
        expect(visitor.page.locator(".order")).to_have_count(2)
        visitor.page.context.close()
