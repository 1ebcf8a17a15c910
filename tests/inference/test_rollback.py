"""`python -m inference.rollback`, called as a function."""

import os

import pytest

from feature_pipeline.artefact import CURRENT, MANIFEST, ArtefactError, set_current
from feature_pipeline.errors import UserError
from inference.published import list_published
from inference.rollback import main
from tests.inference.composed import compose_tiny
from tests.inference.service.world import copy_bundle, damage, write_other


@pytest.fixture
def bundles(bundle, tmp_path):
    """The tiny bundle, and two that were published after it; the last one is current."""
    first = copy_bundle(bundle, tmp_path)
    places = [first, *(write_other(bundle, first.parent, name) for name in ("second", "third"))]
    for age, place in enumerate(reversed(places)):
        os.utime(place / MANIFEST, (1e9 - age, 1e9 - age))
    set_current(first.parent, "third")
    return first.parent


def roll_back(bundles, *overrides):
    main(compose_tiny("rollback", bundles.parents[1], *overrides))
    return (bundles / CURRENT).read_text().strip()


def test_newest_first(bundles, bundle):
    (bundles / ".writing-x").mkdir()
    (bundles / ".writing-x" / MANIFEST).write_text("{}")
    assert [place.name for place in list_published(bundles)] == ["third", "second", bundle.id]


def test_one_step_and_another(bundles, bundle, capsys):
    assert roll_back(bundles) == "second"
    assert roll_back(bundles) == bundle.id
    assert capsys.readouterr().out == f"current: third -> second\ncurrent: second -> {bundle.id}\n"


def test_nothing_before(bundles, bundle):
    set_current(bundles, bundle.id)
    with pytest.raises(UserError) as error:
        roll_back(bundles)
    assert str(error.value) == (
        f"{bundles}: expected a bundle published before {bundle.id}, found none. There are, newest first: "
        f"third, second, {bundle.id}. Remedy: name one by bundle=ID"
    )


def test_to_a_bundle_by_its_id(bundles):
    set_current(bundles, "second")
    assert roll_back(bundles, "bundle=third") == "third"


@pytest.mark.parametrize("override", [[], ["bundle=second"]])
def test_a_damaged_one_is_refused(bundles, override):
    damage(bundles / "second")
    with pytest.raises(
        ArtefactError, match=r"item_embeddings.npy: missing or changed since it was published"
    ):
        roll_back(bundles, *override)
    assert (bundles / CURRENT).read_text() == "third\n"


def test_one_that_is_not_there(bundles):
    with pytest.raises(ArtefactError, match=r"manifest.json: not readable"):
        roll_back(bundles, "bundle=fourth")
