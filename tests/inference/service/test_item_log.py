"""The item log: in order, durable, followed by others, and one line where it cannot be opened."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from feature_pipeline.events import EventLogError
from inference.service.item_log import Change, ItemLog

ADD = Change("add", [{"item_id": "é", "title": "A", "features": {"price": 1.5, "shape": ["a", "b"]}}])
REMOVE = Change("remove", [{"item_id": "é"}])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new folder" / "items.sqlite"


def test_read_as_written(path):
    log = ItemLog(path)
    assert (log.append(ADD), log.append(REMOVE)) == (1, 2)
    assert log.read() == [(1, ADD), (2, REMOVE)]
    assert log.read(1) == [(2, REMOVE)]
    log.close()
    again = ItemLog(path)
    assert len(again.read()) == 2
    again.close()


def test_many_writers(path):
    logs = [ItemLog(path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda n: logs[n % 4].append(ADD), range(40)))
    assert sorted(numbers) == list(range(1, 41))
    for log in logs:
        log.close()


def test_something_else(tmp_path):
    path = tmp_path / "items.sqlite"
    path.write_text("not a database, but long enough to be looked at " * 30)
    with pytest.raises(EventLogError) as error:
        ItemLog(path)
    assert str(error.value) == (
        f"{path}: expected an item log in a SQLite file, found: file is not a database. Remedy: check the "
        "path, the right to write there and the free space, or name another file by serve.items"
    )
