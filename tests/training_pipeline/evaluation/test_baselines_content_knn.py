import numpy as np
import pytest

from training_pipeline.evaluation.baselines import content_knn
from training_pipeline.evaluation.baselines.content_knn import join_contents, score_by_content

# Item 3 has no content.
VECTORS = np.array([[1, 0], [0, 2], [3, 4], [0, 0], [-5, 0]], np.float32)


def score_pair_by_pair(vectors: np.ndarray, histories: np.ndarray) -> np.ndarray:
    scores = np.zeros((len(histories), len(vectors)))
    for query, past in enumerate(histories):
        kept = [item for item in past if item >= 0 and vectors[item].any()]
        for candidate in range(len(vectors)):
            if kept and vectors[candidate].any():
                scores[query, candidate] = max(
                    find_cosine(vectors[candidate], vectors[item]) for item in kept
                )
    return scores


def find_cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


def test_cosine_to_the_nearest_by_hand() -> None:
    # To item 0: 1, 0, 3/5, -, -1. To item 1: 0, 1, 4/5, -, 0.
    histories = np.array([[-1, -1, 0], [-1, 1, 0], [1, 1, 1]])
    scores = score_by_content(VECTORS, histories)(slice(0, 3))
    expected = [[1, 0, 0.6, 0, -1], [1, 1, 0.8, 0, 0], [0, 1, 0.8, 0, 0]]
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert scores.dtype == np.float32


def test_history_without_content_scores_all_alike() -> None:
    scores = score_by_content(VECTORS, np.array([[-1, -1], [-1, 3]]))(slice(0, 2))
    assert not scores.any()


def test_an_item_without_content_in_the_history_changes_nothing() -> None:
    scores = score_by_content(VECTORS, np.array([[-1, 0], [3, 0]]))(slice(0, 2))
    np.testing.assert_array_equal(scores[0], scores[1])
    assert scores[1, 4] == -1


@pytest.mark.parametrize("at_once", [10**8, 370, 1])
def test_equals_the_oracle_however_little_is_computed_at_once(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """All at hand; three queries at a time, of 6 places x 20 items each; one at a time."""
    monkeypatch.setattr(content_knn, "_COSINES_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(20, 7)).astype(np.float32)
    vectors[[0, 19]] = 0
    histories = rng.integers(-1, 20, (50, 6))
    histories[7] = -1
    score = score_by_content(vectors, histories)
    expected = score_pair_by_pair(vectors, histories)
    for block in (slice(0, 10), slice(10, 11), slice(11, 99)):
        np.testing.assert_allclose(score(block), expected[block], atol=1e-6)


def test_all_contents_together_compare_by_the_mean_of_their_cosines() -> None:
    picture = np.array([[0, 1], [0, 3], [1, 0], [1, 0], [0, 0]], np.float32)
    contents = join_contents({"text": VECTORS, "picture": picture})
    assert list(contents) == ["text", "picture", "all"]
    scores = score_by_content(contents["all"], np.array([[0]]))(slice(0, 1))
    # Texts give 1, 0, 3/5 and pictures 1, 1, 0. Item 3 has only a picture, which is another; item 4 only a
    # text, the opposite, and half of what item 0 is stays unanswered: -1 / sqrt(2).
    np.testing.assert_allclose(scores, [[1, 0.5, 0.3, 0, -np.sqrt(0.5)]], atol=1e-6)


def test_one_content_is_all_there_is() -> None:
    assert list(join_contents({"text": VECTORS})) == ["text"]
