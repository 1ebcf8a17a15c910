"""The answer log: once, in order, shared by threads and processes, and one line where it cannot be opened."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from inference.form.answer_log import Answer, AnswerLog, AnswerLogError, Showing
from inference.form.draw import draw_subject

NOON = datetime(2024, 5, 1, 12, 0, 0, 123456, UTC)


def answer(number, liked=True, subject="a", participant="é/1", position=1):
    return Answer(f"id-{number}", participant, subject, liked, position, NOON + timedelta(seconds=number))


def draw_from(*subjects):
    return lambda shown: draw_subject(subjects, shown, set(), "p", 0)


def test_read_as_written(log, tmp_path):
    sent = [answer(1), answer(2, False, "b", position=2), answer(3, participant="Z")]
    assert [log.append("s", one) for one in sent] == [True, True, True]
    assert log.append("other", answer(4))
    assert log.read("s") == sent
    with closing(AnswerLog(tmp_path / "new folder" / "answers.sqlite")) as again:
        assert again.read("s") == sent


def test_an_id_counts_once(log):
    """A second click, even on the other button, is not another answer."""
    assert log.append("s", answer(1))
    assert not log.append("s", answer(1))
    assert not log.append("s", answer(1, liked=False))
    assert log.read("s") == [answer(1)]


def test_the_later_answer_counts(log):
    """By the order in which they came, not by a clock that may have been set back."""
    assert log.show("s", "é/1", 1, draw_from("a")) == Showing(1, "a", None)
    log.append("s", answer(9, True))
    log.append("s", answer(2, False))
    assert log.list_showings("s", "é/1") == [Showing(1, "a", False)]
    assert len(log.read("s")) == 2


def test_what_was_drawn_stays(log):
    assert log.show("s", "p", 1, draw_from("a")) == log.show("s", "p", 1, draw_from("b"))
    assert log.show("s", "p", 2, lambda shown: None) is None
    assert log.show("s", "q", 1, draw_from("a", "b")) == Showing(1, "b", None)
    assert log.show("t", "q", 1, draw_from("a")) == Showing(1, "a", None)


def test_begin(log):
    assert not log.has_begun("s", "p")
    log.begin("s", "p")
    log.begin("s", "p")
    assert log.has_begun("s", "p")
    assert not log.has_begun("t", "p")


def test_many_at_once(tmp_path):
    """Eight participants, each three of six, over four logs of one file: each four times, or nearly."""
    path = tmp_path / "answers.sqlite"
    with ThreadPoolExecutor(8) as pool:
        logs = list(pool.map(lambda _: AnswerLog(path), range(4)))

        def take_part(number):
            participant, seen = f"p{number}", set()
            for position in (1, 2, 3):
                draw = partial(draw_for, seen, participant)
                showing = logs[number % 4].show("s", participant, position, draw)
                seen.add(showing.subject)
                for _ in range(2):
                    given = Answer(f"{number}-{position}", participant, showing.subject, True, position, NOON)
                    logs[number % 4].append("s", given)

        list(pool.map(take_part, range(8)))
    kept = [one.answer_id for one in logs[0].read("s")]
    assert sorted(kept) == [f"{number}-{position}" for number in range(8) for position in (1, 2, 3)]
    shown = Counter(showing.subject for n in range(8) for showing in logs[0].list_showings("s", f"p{n}"))
    assert sorted(shown) == list("abcdef")
    assert set(shown.values()) <= {3, 4, 5}
    for log in logs:
        log.close()


def draw_for(seen, participant, shown):
    return draw_subject("abcdef", shown, seen, participant, 0)


def test_two_windows_of_one_participant(tmp_path):
    path = tmp_path / "answers.sqlite"
    logs = [AnswerLog(path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        seen = set(pool.map(lambda n: logs[n].show("s", "p", 1, lambda shown: f"subject-{n}"), range(4)))
    assert len(seen) == 1
    for log in logs:
        log.close()


def test_a_study_is_about_one_thing(log, tmp_path):
    log.register("s", "users")
    log.register("s", "users")
    log.register("t", "items")
    assert log.list_studies() == {"s": "users", "t": "items"}
    with pytest.raises(AnswerLogError) as error:
        log.register("s", "items")
    path = tmp_path / "new folder" / "answers.sqlite"
    assert str(error.value) == (
        f"form.show: study 's' of {path} is about users, found items. Remedy: form.show=users, or another "
        "name by form.study"
    )


def test_its_owner_alone_reads_it(log, tmp_path):
    folder = tmp_path / "new folder"
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


def test_something_else(tmp_path):
    path = tmp_path / "answers.sqlite"
    path.write_text("not a database, but long enough to be looked at " * 30)
    with pytest.raises(AnswerLogError) as error:
        AnswerLog(path)
    assert str(error.value) == (
        f"{path}: expected answers of a form in a SQLite file, found: file is not a database. Remedy: check "
        "the path, the right to write there and the free space, or name another file by form.answers"
    )
