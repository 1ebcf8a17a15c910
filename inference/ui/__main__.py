"""`python -m inference.ui`: a page for people, answered by the current bundle or by a running service."""

import gc
import os
from contextlib import closing
from pathlib import Path

from omegaconf import DictConfig

from feature_pipeline.artefact import find_current
from feature_pipeline.entry import run
from inference.service.config import Settings, read_settings
from inference.streamlit_server import serve
from inference.ui import running
from inference.ui.backend import Backend
from inference.ui.config import PageConfig, read_page_config
from inference.ui.library import Library
from inference.ui.running import Place
from inference.ui.service import Service

PAGE = Path(__file__).with_name("page.py")
_MEGABYTE = 1_000_000
_LOOK = {
    "theme.primaryColor": "#7a3b2e",
    "theme.backgroundColor": "#fbfaf7",
    "theme.secondaryBackgroundColor": "#f1eee7",
    "theme.textColor": "#23211e",
    "theme.borderColor": "#ddd8cd",
    "theme.baseRadius": "3px",
    "theme.baseFontSize": "15",
}


def main(config: DictConfig) -> None:
    """Opens what answers, and shows the page until it is told to stop."""
    page, settings = read_page_config(config), read_settings(config)
    find_current(settings.bundles, f"run make train DATASET={settings.dataset} first")
    with closing(open_backend(page, settings)) as backend:
        place = Place(backend, settings.bundles, settings.dataset)
        prepare(place)
        with running.run(place):
            upload = {"server.maxUploadSize": str(max(1, settings.serve.limits.image_bytes // _MEGABYTE))}
            serve(PAGE, page.host, page.port, _LOOK | upload)


def open_backend(page: PageConfig, settings: Settings) -> Backend:
    """What answers: a running service where its URL is given, else the library.

    Raises:
        UserError: the service does not answer, or there is no bundle that can be opened.
    """
    if page.url is not None:
        return Service(page.url, settings.token)
    threads = str(settings.serve.tensorflow_threads)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, threads)
    return Library(settings)


def prepare(place: Place) -> None:
    """Reads what the first visitor would wait for.

    Raises:
        UserError: what answers does not, or its bundle is not here.
    """
    gallery = place.open_gallery()
    _ = gallery.people, gallery.controls, gallery.map, gallery.exhibits.shape
    # What is there now stays: nobody needs to look for garbage among it while somebody waits.
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    run(main, "ui")
