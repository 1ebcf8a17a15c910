"""What a running service answers, in the form of the recommender's answers."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pandas as pd

from feature_pipeline.errors import UserError
from feature_pipeline.point_in_time import AS_OF, UNTIMED
from feature_pipeline.schema import ITEM_ID, USER_ID
from feature_pipeline.splits import build_serving_queries
from inference.columns import RANKING_SCORE
from training_pipeline.bundle import Bundle
from training_pipeline.ranking.rows import RETRIEVAL_SCORE

_SECONDS = 60


class ServiceError(UserError):
    """A service does not answer, or not as one of ours does."""


def name_bundle(url: str) -> str:
    """The id of the bundle that a service answers from.

    Raises:
        ServiceError: it does not answer.
    """
    return str(_get(ask_service(url, "/version"), "bundle", url))


def build_told_queries(bundle: Bundle, user_ids: Sequence[str]) -> pd.DataFrame:
    """What a service is asked: each moment is said, just after what the bundle knows of the user, or of all.

    So events since, which the service knows and the bundle does not, have not happened yet.

    Args:
        bundle: knows what happened, and where its split puts queries.
        user_ids: users of the bundle.

    Returns:
        `user_id, as_of, as_of_order`, in the order of `user_ids`.
    """
    queries = build_serving_queries(bundle.tables.interactions, list(user_ids), bundle.split)
    after = queries[AS_OF] + np.timedelta64(1, "us")
    told = queries.assign(**{AS_OF: queries[AS_OF].mask(queries[UNTIMED], after)})
    return told.drop(columns=UNTIMED)


def recommend_by(
    url: str, bundle_id: str, moments: Sequence[datetime], user_ids: Sequence[str], k: int
) -> pd.DataFrame:
    """Asks a service for recommendations, each user at a moment that it is told.

    Args:
        url: of the service, as `http://127.0.0.1:8000`.
        bundle_id: of the bundle that must answer.
        moments: when each user asks, UTC.
        user_ids: users of the bundle.
        k: how many items for each; near-duplicates are among them.

    Returns:
        `user_id, item_id, retrieval_score, ranking_score`.

    Raises:
        ServiceError: it does not answer, or by another bundle.
    """
    answers = [
        _recommend(
            url, bundle_id, {"user_id": user_id, "k": k, "as_of": moment.isoformat(), "duplicates": True}
        )
        for user_id, moment in zip(user_ids, moments, strict=True)
    ]
    return pd.concat(answers, ignore_index=True)


def _recommend(url: str, bundle_id: str, body: Mapping[str, Any]) -> pd.DataFrame:
    answer = ask_service(url, "/recommend", body)
    if (found := _get(answer, "bundle", url)) != bundle_id:
        raise ServiceError(
            f"{url}: expected answers of bundle {bundle_id}, found one of {found}. "
            "Remedy: ask again when all its workers serve the same bundle"
        )
    rows = pd.DataFrame(_get(answer, "recommendations", url)).assign(**{USER_ID: body["user_id"]})
    return rows.reindex(columns=[USER_ID, ITEM_ID, RETRIEVAL_SCORE, RANKING_SCORE])


def ask_service(url: str, path: str, body: Mapping[str, Any] | None = None, token: str | None = None) -> Any:
    """What a service answers to one request, as JSON has it.

    Args:
        url: of the service.
        path: of the endpoint.
        body: of a POST; without one it is a GET.
        token: what writers show.

    Raises:
        ServiceError: it does not answer, or refuses.
    """
    data = None if body is None else json.dumps(body).encode()
    remedy = "Remedy: start one by make serve, or correct the URL, as http://127.0.0.1:8000"
    try:
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        request = Request(url.rstrip("/") + path, data, headers)
        with urlopen(request, timeout=_SECONDS) as answer:
            return json.load(answer)
    except HTTPError as error:
        told = error.read(1000).decode(errors="replace")
        raise ServiceError(f"{url}{path}: expected an answer, found status {error.code}: {told}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise ServiceError(f"{url}: expected a service that answers, found: {error}. {remedy}") from None


def _get(answer: Any, name: str, url: str) -> Any:
    if not isinstance(answer, Mapping) or name not in answer:
        raise ServiceError(
            f"{url}: expected {name} in the answer, found none. Remedy: give the URL of a towerbridge service"
        )
    return answer[name]
