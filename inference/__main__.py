"""`python -m inference user=ID`: model bundle -> recommendations on stdout, on a page, or in a file."""

import sys
from pathlib import Path

from omegaconf import DictConfig

from feature_pipeline.entry import run
from feature_pipeline.progress import report_step
from inference.batch import write_all
from inference.config import ALL_USERS, Request, read_request
from inference.output import render_json, render_table
from inference.page import write_page
from inference.recommender import Recommender
from training_pipeline.bundle import open_current_bundle
from training_pipeline.index_config import read_index

PAGE_HISTORY = 14


def main(config: DictConfig) -> None:
    """Serves one user, somebody new, or all users."""
    request, index = read_request(config), read_index(config)
    bundle = open_current_bundle(Path(config.artifacts), config.dataset.name, request.bundle)
    recommender = Recommender(bundle, index)
    if request.user == ALL_USERS:
        serve_all(recommender, request)
    else:
        serve_one(recommender, request)


def serve_one(recommender: Recommender, request: Request) -> None:
    """Prints one user's recommendations, and writes the page if one is asked for."""
    found = recommender.recommend(
        request.ask,
        request.k,
        request.as_of,
        request.context,
        request.filters,
        request.exclude,
        request.diversity,
        request.caps,
        explain=True,
    )
    if request.format == "json":
        print(render_json(request.user, recommender.bundle.id, found))
    else:
        print(render_table(found))
    if request.html is not None:
        assert request.user is not None
        history = recommender.get_history(request.user, PAGE_HISTORY, request.as_of)
        write_page(request.html, recommender.bundle, request.user, history, found)
        print(f"page: {request.html}", file=sys.stderr)


def serve_all(recommender: Recommender, request: Request) -> None:
    """Writes every user's recommendations to `request.out`."""
    assert request.out is not None
    with report_step("recommend to all") as step:
        step.rows = write_all(recommender, request.k, request.out, request.as_of, request.context)
        step.note = str(request.out)


if __name__ == "__main__":
    run(main, "infer")
