"""`python -m inference user=ID`: model bundle -> recommendations on stdout, a page, or a file for all users."""

import sys
from pathlib import Path

from omegaconf import DictConfig
from tqdm import tqdm

from feature_pipeline.entry import run
from feature_pipeline.progress import report_step
from feature_pipeline.schema import USER_ID
from inference.config import ALL_USERS, Request, read_engine, read_request
from inference.output import render_json, render_table, write_batch
from inference.page import write_page
from inference.recommender import Recommender
from training_pipeline.bundle import open_current_bundle

PAGE_HISTORY = 14


def main(config: DictConfig) -> None:
    """Serves one user, or all of them."""
    request = read_request(config)
    bundle = open_current_bundle(Path(config.artifacts), config.dataset.name, request.bundle)
    recommender = Recommender(bundle, read_engine(config))
    if request.user == ALL_USERS:
        serve_all(recommender, request)
    else:
        serve_one(recommender, request)


def serve_one(recommender: Recommender, request: Request) -> None:
    """Prints one user's recommendations, and writes the page if one is asked for."""
    found = recommender.recommend([request.user], request.k, request.as_of, request.context, explain=True)
    if request.format == "json":
        print(render_json(request.user, recommender.bundle.id, found))
    else:
        print(render_table(found))
    if request.html is not None:
        history = recommender.get_history(request.user, PAGE_HISTORY)
        write_page(request.html, recommender.bundle, request.user, history, found)
        print(f"page: {request.html}", file=sys.stderr)


def serve_all(recommender: Recommender, request: Request) -> None:
    """Writes every user's recommendations to `request.out`."""
    assert request.out is not None
    num_users = recommender.bundle.tables.users[USER_ID].size
    with report_step("recommend to all") as step, tqdm(total=num_users, unit="user", disable=None) as bar:
        blocks = []
        for block in recommender.recommend_all(request.k):
            blocks.append(block)
            bar.update(block[USER_ID].nunique())
        step.rows = write_batch(blocks, request.out)
        step.note = str(request.out)


if __name__ == "__main__":
    run(main, "infer")
