"""Logs of changes: in order, durable, followed by others, and one line where it cannot be opened."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from feature_pipeline.events import EventLogError
from feature_pipeline.feedback.changes import Change, ChangeLog

ADD = Change("add", [{"item_id": "é", "title": "A", "features": {"price": 1.5, "shape": ["a", "b"]}}])
REMOVE = Change("remove", [{"item_id": "é"}])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new folder" / "items.sqlite"


def open_changes(path):
    return ChangeLog(path, "feedback.items")


def test_read_as_written(path):
    log = open_changes(path)
    assert (log.append(ADD), log.append(REMOVE)) == (1, 2)
    assert log.read() == [(1, ADD), (2, REMOVE)]
    assert log.read(1) == [(2, REMOVE)]
    log.close()
    again = open_changes(path)
    assert len(again.read()) == 2
    again.close()


def test_many_writers(path):
    logs = [open_changes(path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda n: logs[n % 4].append(ADD), range(40)))
    assert sorted(numbers) == list(range(1, 41))
    for log in logs:
        log.close()


def test_only_after_what_was_read(path):
    log, other = open_changes(path), open_changes(path)
    assert log.append_after(0, ADD)
    assert not other.append_after(0, REMOVE)
    assert other.append_after(1, REMOVE)
    assert log.read() == [(1, ADD), (2, REMOVE)]
    log.close()
    other.close()


def test_one_of_many_is_first(path):
    logs = [open_changes(path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(lambda n: logs[n % 4].append_after(0, ADD), range(40)))
    assert won.count(True) == 1
    for log in logs:
        log.close()


def test_for_its_owner_alone(path):
    open_changes(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_something_else(tmp_path):
    path = tmp_path / "items.sqlite"
    path.write_text("not a database, but long enough to be looked at " * 30)
    with pytest.raises(EventLogError) as error:
        open_changes(path)
    assert str(error.value) == (
        f"{path}: expected a log of changes in a SQLite file, found: file is not a database. Remedy: check "
        "the path, the right to write there and the free space, or name another file by feedback.items"
    )
