"""A participant's way: forward, back, and what the data set's changes do to it."""

from dataclasses import replace

import pytest

from feature_pipeline.errors import UserError
from inference.form.answer_log import AnswerLogError
from inference.form.study import Study, check_name
from inference.form.subjects import read_subjects
from tests.inference.form.gallery import make_form


@pytest.fixture
def start(store, log, tmp_path):
    """Opens a study for one participant, who has begun."""

    def begin(participant="p", **values):
        form = make_form(tmp_path, **values)
        study = Study(form, read_subjects(store, form.show), log)
        study.begin(participant)
        return study

    return begin


def answer_all(study, participant="p", liked=True):
    """Answers until there is nothing left; returns what was shown."""
    shown = []
    while step := study.find_step(participant):
        assert (step.number, step.showing.position) == (len(shown) + 1, len(shown) + 1)
        shown.append(step.showing.subject)
        study.answer(participant, step.showing, liked, f"{participant}-{len(shown)}")
    return shown


def test_forward(start):
    study = start()
    assert study.find_step("p") == study.find_step("p")  # looking is not answering
    shown = answer_all(study)
    assert len(shown) == len(set(shown)) == 4
    assert study.find_step("p") is None


def test_fewer_than_asked_for(start):
    assert set(answer_all(start(count=100))) == set("abcdef")


def test_back(start):
    study = start()
    first = study.find_step("p")
    study.answer("p", first.showing, True, "1")
    second = study.find_step("p")
    assert (second.number, second.total) == (2, 4)
    back = study.find_step("p", back=1)
    assert (back.number, back.total, back.showing) == (1, 4, replace(first.showing, liked=True))
    assert study.find_step("p", back=9) == back
    study.answer("p", back.showing, False, "2")
    assert study.find_step("p") == second
    assert study.find_step("p", back=1).showing.liked is False


def test_back_from_the_end(start):
    study = start()
    shown = answer_all(study)
    step = study.find_step("p", back=1)
    assert (step.number, step.showing.subject, step.showing.liked) == (4, shown[3], True)
    study.answer("p", step.showing, False, "again")
    assert study.find_step("p") is None


def test_nothing_to_go_back_to(start):
    study = start()
    assert study.find_step("p", back=1) == study.find_step("p")


@pytest.mark.parametrize("participant", ["Bea", "bea"])
def test_never_themself(start, participant):
    study = start(participant, show="users", count=5)
    assert study.count(participant) == 4
    assert set(answer_all(study, participant)) == {"ann@example.org", "cy", "Di", "ed"}
    assert study.count("someone else") == 5


def test_an_item_may_be_called_as_the_participant(start):
    assert start("a", count=6).count("a") == 6


def test_what_has_left_the_data_set_is_not_asked(start):
    study = start(count=6)
    gone = study.find_step("p").showing.subject
    study.subjects = replace(study.subjects, rows=study.subjects.rows.drop(gone))
    shown = []
    while step := study.find_step("p"):
        shown.append(step.showing.subject)
        study.answer("p", step.showing, True, str(len(shown)))
    assert sorted(shown) == sorted(set("abcdef") - {gone})


def test_balanced_over_participants(start):
    """Three who see four of six each: every item twice."""
    study = start()
    shown = [subject for name in ("p", "q", "r") for subject in answer_all(study, name)]
    assert sorted(shown) == sorted("abcdef" * 2)


def test_a_study_keeps_to_its_kind(start):
    start()
    with pytest.raises(AnswerLogError, match="is about items, found users"):
        start(show="users")


def test_names():
    assert check_name("  Ann B. 🎈 ") == "Ann B. 🎈"
    for name in ("", "   ", "x" * 101, "a\nb", "a\x00b"):
        with pytest.raises(UserError, match="Please give a name or code of 1 to 100 characters"):
            check_name(name)
