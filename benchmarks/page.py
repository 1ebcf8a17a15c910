"""How long somebody waits who likes a card: from the click until the next card is there to be seen.

    python -m benchmarks.page [--artifacts FOLDER] [--dataset NAME] [--likes N]

Runs the page on the current bundle, with logs of its own, and likes cards in a real Chromium, each the first
of twelve, as users with a history by turns. The wait is measured in the browser, from the click's event until
the card shows another title and its picture is drawn. Beside it, in the same run, on the same bundle, stands
the time of `Recommender.recommend` alone, of 24 items with reasons, as the page asks for them. A table, and
last a line of JSON; the ratio is the median wait by the median of `recommend` alone.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.parts import time_call
from inference.recommender import Recommender
from inference.ui.gallery import Gallery
from inference.ui.visit import NUM_CARDS
from training_pipeline.bundle import Bundle, open_current_bundle

CHROMIUM = "/usr/bin/chromium"
_OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
_PATIENCE_MS = 120_000
_USERS = 3
_WARM = 3

# Notes when the click came, and when the first card has another title and all its pictures are loaded.
_WATCH = """() => {
  const card = () => document.querySelector('.st-key-cards > *');
  const before = card().querySelector('h3').innerText;
  window.waited = null;
  card().addEventListener('click', () => {
    const began = performance.now();
    const look = () => {
      const now = card(), title = now && now.querySelector('h3');
      const drawn = now && [...now.querySelectorAll('img')].every(image => image.complete);
      if (title && title.innerText !== before && drawn) window.waited = performance.now() - began;
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, {capture: true, once: true});
}"""


@contextmanager
def show_page(artifacts: Path, dataset: str) -> Iterator[str]:
    """Runs the page with logs of its own; gives its URL."""
    with tempfile.TemporaryDirectory(prefix="towerbridge-bench-") as folder:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        logs = [f"feedback.{name}={folder}/{name}.sqlite" for name in ("events", "users", "items")]
        place = [f"artifacts={artifacts}", f"dataset={dataset}", f"ui.port={port}", *logs]
        command = [sys.executable, "-m", "inference.ui", *place]
        with (Path(folder) / "output").open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_shown(process, port)
            yield url
        finally:
            process.terminate()
            process.wait()


def _wait_until_shown(process: subprocess.Popen[bytes], port: int) -> None:
    while process.poll() is None:
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the page has not started; run make ui to see why")


def measure_page(url: str, users: list[str], likes: int) -> list[float]:
    """Milliseconds from click to card, of each like but the first ones."""
    waits = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_OPTIONS.split())
        for user_id in users:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{url}/?user={user_id}")
            expect(page.locator(".st-key-cards > *")).to_have_count(NUM_CARDS, timeout=_PATIENCE_MS)
            waits.append([_like_first(page) for _ in range(likes // len(users) + _WARM)][_WARM:])
            page.close()
        browser.close()
    return [wait for user in waits for wait in user]


def _like_first(page: Page) -> float:
    settled = page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
    expect(settled).to_be_visible(timeout=_PATIENCE_MS)
    # People look before they like.
    page.wait_for_timeout(300)
    page.evaluate(_WATCH)
    page.locator(".st-key-cards > *").first.get_by_role("button", name="Like").click()
    page.wait_for_function("() => window.waited !== null", timeout=_PATIENCE_MS)
    return float(page.evaluate("() => window.waited"))


def measure_library(bundle: Bundle, users: list[str], calls: int) -> list[float]:
    """Milliseconds of `recommend` alone."""
    recommender = Recommender(bundle)

    def ask(number: int) -> None:
        recommender.recommend([users[number % len(users)]], 2 * NUM_CARDS, explain=True)

    for number in range(_WARM):
        ask(number)
    return [1000 * time_call(lambda number=number: ask(number)) for number in range(calls)]


def main() -> None:
    """Prints a table, and last a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"))
    parser.add_argument("--dataset", default="sample")
    parser.add_argument("--likes", type=int, default=60)
    given = parser.parse_args()
    bundle = open_current_bundle(given.artifacts, given.dataset)
    users = Gallery(bundle).people.choose_lively(_USERS)
    alone = measure_library(bundle, users, given.likes)
    with show_page(given.artifacts.resolve(), given.dataset) as url:
        waits = measure_page(url, users, given.likes)
    for name, values in (("click to next card", waits), ("recommend alone", alone)):
        print(f"{name:<20} p50 {np.median(values):>7.1f} ms, max {max(values):>7.1f} ms, {len(values)} times")
    figures = {
        "page_p50_ms": np.median(waits),
        "page_max_ms": max(waits),
        "likes": len(waits),
        "recommend_p50_ms": np.median(alone),
        "recommend_max_ms": max(alone),
        "ratio": np.median(waits) / np.median(alone),
    }
    print(json.dumps({name: round(float(value), 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
