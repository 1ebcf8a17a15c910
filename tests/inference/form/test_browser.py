"""The form as people meet it: its own process, and a real Chromium."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from feature_pipeline.entry import CONF

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PATIENCE = 40_000  # milliseconds
PAUSE = 500  # milliseconds, a little longer than a double click takes
PHONE = {"width": 390, "height": 844}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not there: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))


def command(module: str, gallery: Path, answers: Path, *overrides: str) -> list[str]:
    place = (f"artifacts={gallery}", "dataset.name=gallery", f"form.answers={answers}")
    return [sys.executable, "-m", module, *place, *overrides]


@contextmanager
def serve(gallery: Path, answers: Path, *overrides: str) -> Iterator[str]:
    """Serves the form until the block ends; yields its address."""
    started = command("inference.form", gallery, answers, "form.port=0", *overrides)
    with subprocess.Popen(started, cwd=CONF.parent, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield next(line.split()[-1] for line in process.stdout if "URL:" in line)
        finally:
            process.terminate()
            process.wait(60)  # before its stdout is closed, to which it says that it stops


def start(browser: Browser, url: str, name: str, **options: object) -> Page:
    page = browser.new_page(**options)
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    page.get_by_label("Your name or code").fill(name)
    page.get_by_role("button", name="I agree, start").click()
    return page


def wait_for(page: Page, progress: str) -> str:
    """Waits until a question stands with its own buttons; returns its title."""
    expect(page.get_by_text(progress, exact=True)).to_be_visible()
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()
    page.wait_for_timeout(PAUSE)
    return page.locator(".card h1").inner_text()


def test_all_the_way(browser, gallery, tmp_path):
    """Double clicks, back, a reload; what comes out is what was clicked."""
    answers, out = tmp_path / "answers.sqlite", tmp_path / "m.csv"
    with serve(gallery, answers, "form.count=5", "form.study=s") as url:
        page = start(browser, url, "Ann B.")
        clicked = {}
        clicked[wait_for(page, "Item 1 of 5")] = 1
        page.get_by_role("button", name="Like", exact=False).last.dblclick()
        second = wait_for(page, "Item 2 of 5")
        page.get_by_role("button", name="Dislike").click()
        wait_for(page, "Item 3 of 5")
        page.get_by_role("button", name="Back").click()
        assert wait_for(page, "Item 2 of 5") == second
        clicked[second] = 1
        page.get_by_role("button", name="Like", exact=False).last.click()
        third = wait_for(page, "Item 3 of 5")
        page.reload()
        assert wait_for(page, "Item 3 of 5") == third
        for number in (3, 4, 5):
            clicked[wait_for(page, f"Item {number} of 5")] = 0
            page.get_by_role("button", name="Dislike").dblclick()
        expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
        page.close()
    exported = command("inference.form.answers", gallery, answers, "form.study=s", f"out={out}")
    printed = subprocess.run(exported, cwd=CONF.parent, capture_output=True, text=True, check=True).stdout
    assert ": 6 answers of 1 participants" in printed
    items = pd.read_parquet(next((gallery / "gallery/features").glob("*/items.parquet")))
    titles = {row["item_id"]: row["title"] or row["item_id"] for row in items.to_dict("records")}
    matrix = pd.read_csv(out).set_index("participant")
    assert {titles[item]: answer for item, answer in matrix.loc["Ann B."].items()} == clicked


@pytest.mark.parametrize("show", ["items", "users"])
def test_on_a_phone(browser, gallery, tmp_path, show):
    """Nothing is wider than the screen, whatever the texts are, and no text runs as a script."""
    count = 6 if show == "items" else 5
    with serve(gallery, tmp_path / "a.sqlite", f"form.show={show}", "form.count=6") as url:
        page = start(browser, url, "p" * 100, viewport=PHONE, has_touch=True)
        page.on("dialog", lambda dialog: pytest.fail(f"a text ran: {dialog.message}"))
        for number in range(1, count + 1):
            expect(page.get_by_text(f"{number} of {count}")).to_be_visible()
            expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()
            page.wait_for_timeout(PAUSE)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
            assert page.evaluate("document.querySelector('.card').scrollWidth") <= PHONE["width"]
            buttons = page.locator(".st-key-answers button")
            assert buttons.count() == 2
            boxes = [buttons.nth(place).bounding_box() for place in (0, 1)]
            assert boxes[0]["y"] == boxes[1]["y"]
            assert boxes[0]["width"] == pytest.approx(boxes[1]["width"], abs=1)
            assert all(0 <= box["y"] <= PHONE["height"] - box["height"] for box in boxes)
            buttons.nth(number % 2).click()
        expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
        page.close()
