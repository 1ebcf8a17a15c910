"""What every event log keeps, whichever database holds it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from threading import Event as Signal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_pipeline.events import Event, EventConflictError, EventLog, EventLogError, open_log
from tests.feature_pipeline.events.invented import events, make_event

TEXTS = [
    "e\u0301",  # an accent of its own; it must not become one with its letter
    "\u00e9",
    "👩🏽‍🚀🏳️‍🌈",
    "שלום עולם",
    "\u202e\u0645\u0631\u062d\u0628\u0627\u202c",  # right to left, and told so
    "東京 — Ελλάδα",
    "<script>alert('x')</script>",
    "'; DROP TABLE towerbridge_events; --",
    "%s ? $1 {} \\x00 \\N",
    "  spaces  ",
    "NULL",
    "nan",
]
_NUMBERS = count()


def get_ids(rows: Sequence[tuple[int, Event]]) -> list[str]:
    return [event.event_id for _, event in rows]


def follow(log: EventLog, after: int, limit: int) -> list[tuple[int, Event]]:
    """All that comes after a number, a few at a time, as a worker reads it."""
    found: list[tuple[int, Event]] = []
    while rows := log.read(found[-1][0] if found else after, limit):
        found += rows
    return found


def test_a_new_log_is_empty(log: EventLog) -> None:
    assert (log.count(), log.read()) == (0, [])
    assert log.append([]) == 0


def test_events_come_back_in_the_order_they_were_appended(log: EventLog) -> None:
    sent = [make_event(name) for name in ("b", "a", "c")]

    assert log.append(sent[:2]) == 2
    assert log.append(sent[2:]) == 1

    sequences = [sequence for sequence, _ in log.read()]
    assert [event for _, event in log.read()] == sent
    assert sequences == sorted(set(sequences))
    assert sequences[0] >= 1
    assert log.count() == 3


def test_a_repeat_is_ignored(log: EventLog) -> None:
    assert log.append([make_event(1), make_event(2), make_event(1)]) == 2
    assert log.append([make_event(2), make_event(3)]) == 1
    assert log.append([make_event(1), make_event(2), make_event(3)]) == 0

    assert get_ids(log.read()) == ["1", "2", "3"]


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "bob"},
        {"item_id": "cup "},
        {"event_type": "like"},
        {"event_time": "2024-05-01T12:00:00.123457Z"},
        {"bundle": "b2"},
        {"position": 1},
        {"provenance": "simulated"},
        {"session": "s"},
        {"event_type": "undo", "undoes": "e0"},
    ],
)
def test_a_repeat_with_other_content_is_refused(log: EventLog, changes: dict[str, Any]) -> None:
    log.append([make_event("e1")])

    with pytest.raises(EventConflictError) as error:
        log.append([make_event("e1", **changes)])

    assert str(error.value) == (
        f"event 'e1': expected the same content as before, found another {', '.join(changes)}. "
        "Remedy: send it again unchanged, or give a new event a new event_id"
    )
    assert [event for _, event in log.read()] == [make_event("e1")]


def test_a_call_is_appended_whole_or_not_at_all(log: EventLog) -> None:
    log.append([make_event(1)])

    with pytest.raises(EventConflictError):
        log.append([make_event(2), make_event(1, item_id="other"), make_event(3)])
    with pytest.raises(EventConflictError):
        log.append([make_event(4), make_event(5), make_event(4, item_id="other")])

    assert get_ids(log.read()) == ["1"]
    assert log.append([make_event(2), make_event(3)]) == 2


def test_a_reader_goes_on_where_it_stopped(log: EventLog) -> None:
    log.append([make_event(number) for number in range(10)])
    rows = log.read()

    assert log.read(limit=3) == rows[:3]
    assert log.read(after=rows[2][0], limit=3) == rows[3:6]
    assert log.read(after=rows[-1][0]) == []
    log.append([make_event(0), make_event(10)])
    assert get_ids(log.read(after=rows[-1][0])) == ["10"]
    assert get_ids(follow(log, after=rows[3][0], limit=2)) == [str(number) for number in range(4, 11)]
    with pytest.raises(ValueError, match="limit: expected at least 1, or None for all, found 0"):
        log.read(limit=0)


def test_an_undo_is_an_event_and_may_come_first(log: EventLog) -> None:
    undo = make_event("e2", event_type="undo", undoes="e1")

    log.append([undo])
    log.append([make_event("e1")])

    assert [event for _, event in log.read()] == [undo, make_event("e1")]


def test_any_script_comes_back_as_it_went_in(log: EventLog) -> None:
    sent = [make_event(text, user_id=text, item_id=text, session=text, bundle=text) for text in TEXTS]

    assert log.append(sent) == len(TEXTS)

    assert [event for _, event in log.read()] == sent
    assert log.append(sent) == 0


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_valid_events_come_back_as_they_went_in(log: EventLog, data: st.DataObject) -> None:
    # The log goes on from example to example, so that each needs ids of its own.
    prefixes = data.draw(st.lists(st.text("a\u0431🙂%_'\\", max_size=8), max_size=6))
    sent = [data.draw(events(f"{prefix}{next(_NUMBERS)}")) for prefix in prefixes]
    last = max((sequence for sequence, _ in log.read()), default=0)

    assert log.append(sent) == len(sent)

    assert [event for _, event in log.read(after=last)] == sent
    assert log.append(sent[::-1]) == 0


def test_very_many_events(log: EventLog) -> None:
    sent = [make_event(number, position=number + 1) for number in range(20_000)]

    assert log.append(sent[:15_000]) == 15_000
    assert log.append(sent) == 5_000

    assert log.count() == 20_000
    assert [event for _, event in follow(log, after=0, limit=3_000)] == sent


def test_another_opening_reads_and_goes_on(url: str) -> None:
    with open_log(url) as log:
        log.append([make_event(1)])
    with open_log(url) as log:
        assert log.append([make_event(1), make_event(2)]) == 1
        assert get_ids(log.read()) == ["1", "2"]


def test_a_closed_log_says_so(url: str) -> None:
    log = open_log(url)
    log.close()
    log.close()

    with pytest.raises(EventLogError, match="closed"):
        log.append([make_event(1)])
    with pytest.raises(EventLogError, match="closed"):
        log.read()


def test_threads_share_a_log(log: EventLog) -> None:
    def append(thread: int) -> int:
        return sum(log.append([make_event(number), make_event(f"{thread}-{number}")]) for number in range(20))

    with ThreadPoolExecutor(8) as pool:
        new = sum(pool.map(append, range(8)))

    ids = get_ids(log.read())
    assert len(ids) == len(set(ids)) == new == 20 + 8 * 20


def test_many_open_a_new_log_at_once(url: str) -> None:
    def open_and_append(number: int) -> int:
        with open_log(url) as log:
            return log.append([make_event(number)])

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(open_and_append, range(16))) == 16
    with open_log(url) as log:
        assert log.count() == 16


@contextmanager
def hold_before_commit(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Signal, Signal]]:
    """The log's next append stops before its commit: signals that it has, and that it may go on."""
    held, go_on = Signal(), Signal()
    write = log._writing  # type: ignore[attr-defined]

    @contextmanager
    def write_slowly() -> Iterator[Any]:
        with write() as cursor:
            yield cursor
            held.set()
            go_on.wait(60)

    monkeypatch.setattr(log, "_writing", write_slowly)
    try:
        yield held, go_on
    finally:
        go_on.set()


def test_a_row_that_commits_late_is_not_missed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_log(url) as slow, open_log(url) as quick, open_log(url) as reader, ThreadPoolExecutor() as pool:
        with hold_before_commit(slow, monkeypatch) as (held, go_on):
            first = pool.submit(slow.append, [make_event("slow")])
            assert held.wait(60)
            second = pool.submit(quick.append, [make_event("quick")])
            with pytest.raises(TimeoutError):
                second.result(0.3)
            assert reader.read() == []
            go_on.set()
            assert (first.result(60), second.result(60)) == (1, 1)
        assert get_ids(reader.read()) == ["slow", "quick"]


def test_a_thread_does_not_read_what_another_has_not_committed(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor() as pool, hold_before_commit(log, monkeypatch) as (held, go_on):
        append = pool.submit(log.append, [make_event(1)])
        assert held.wait(60)
        reads = [pool.submit(log.read), pool.submit(log.count)]
        for read in reads:
            with pytest.raises(TimeoutError):
                read.result(0.1)
        go_on.set()
        assert append.result(60) == 1


def test_one_event_sent_twice_at_once_is_there_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        open_log(url) as slow,
        open_log(url) as quick,
        open_log(url) as third,
        ThreadPoolExecutor() as pool,
    ):
        with hold_before_commit(slow, monkeypatch) as (held, go_on):
            first = pool.submit(slow.append, [make_event("e1")])
            assert held.wait(60)
            again = pool.submit(quick.append, [make_event("e1")])
            other = pool.submit(third.append, [make_event("e1", item_id="other")])
            go_on.set()
            assert (first.result(60), again.result(60)) == (1, 0)
            with pytest.raises(EventConflictError):
                other.result(60)
        assert [event for _, event in quick.read()] == [make_event("e1")]
