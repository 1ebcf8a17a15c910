"""A page that takes its time, and somebody who does not wait for it."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from feature_pipeline.entry import CONF
from inference.streamlit_server import find_port
from tests.inference.service.running import wait_for
from tests.inference.ui.browsing import CHROMIUM, open_browser

SCRIPT = """
import time
import streamlit as st

acts = st.session_state.setdefault("acts", [])

def act():
    acts.append("begins")
    time.sleep(1)
    acts.append("ends")

st.button("Act", on_click=act)
st.text(" ".join(acts) or "nothing yet")
"""
SERVE = """
import sys
from inference.streamlit_server import serve

serve(sys.argv[1], "127.0.0.1", int(sys.argv[2]), {})
"""


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs {CHROMIUM}: apt-get install chromium")
def test_one_act_ends_before_the_next_begins(tmp_path: Path):
    script, said = tmp_path / "page.py", tmp_path / "said"
    script.write_text(SCRIPT)
    port = find_port("127.0.0.1", 0)
    url = f"http://127.0.0.1:{port}"
    with said.open("wb") as stream:
        command = [sys.executable, "-c", SERVE, str(script), str(port)]
        process = subprocess.Popen(command, cwd=CONF.parent, stdout=stream, stderr=stream)
    try:
        wait_for(lambda: url in said.read_text())
        with open_browser() as browser:
            page = browser.new_page()
            page.goto(url)
            expect(page.get_by_text("nothing yet")).to_be_visible()
            button = page.get_by_role("button", name="Act")
            button.click()
            page.wait_for_timeout(300)
            button.click()
            expect(page.get_by_text("begins ends begins ends", exact=True)).to_be_visible(timeout=20_000)
    finally:
        process.terminate()
        process.wait(60)
