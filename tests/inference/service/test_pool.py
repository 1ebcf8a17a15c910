"""The bounded pool, and what the service says when it is full."""

import asyncio
import threading
import time

import pytest

from inference.service.pool import BusyError, Pool


def test_as_many_as_there_are_places():
    async def ask() -> list[object]:
        pool, done = Pool(threads=1, queue=2), threading.Event()
        waiting = [asyncio.ensure_future(pool.run(done.wait)) for _ in range(4)]
        await asyncio.sleep(0.05)
        done.set()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert await pool.run(lambda: "again") == "again"
        pool.close()
        return results

    *answered, refused = asyncio.run(ask())
    assert answered == [True] * 3
    assert isinstance(refused, BusyError)


def test_who_gives_up_keeps_the_place_until_the_work_is_done():
    async def ask() -> None:
        pool, done = Pool(threads=1, queue=0), threading.Event()
        waiting = asyncio.ensure_future(pool.run(done.wait))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.sleep(0.05)
        with pytest.raises(BusyError):
            await pool.run(done.wait)
        done.set()
        pool.close()

    asyncio.run(ask())


def test_a_failure_comes_out_and_frees_the_place():
    async def ask() -> None:
        pool = Pool(threads=1, queue=0)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await pool.run(lambda: 1 / 0)
            await asyncio.sleep(0.01)
        pool.close()

    asyncio.run(ask())


def test_told_to_come_back(start, monkeypatch):
    client = start(threads=1, queue=0)
    model = client.app.state.service.live.model
    begun, done = threading.Event(), threading.Event()
    answer = model.recommender.answer

    def wait(*arguments, **options):
        begun.set()
        done.wait(30)
        return answer(*arguments, **options)

    monkeypatch.setattr(model.recommender, "answer", wait)
    answers = []
    ask = lambda: answers.append(client.post("/recommend", json={"user_id": "user-00"}))  # noqa: E731
    slow = threading.Thread(target=ask)
    slow.start()
    assert begun.wait(30)
    started = time.monotonic()
    refused = client.post("/recommend", json={"user_id": "user-00"})
    assert time.monotonic() - started < 5
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["message"] == (
        "too many requests wait here. Remedy: ask again after the seconds of Retry-After"
    )
    assert client.get("/health").status_code == 200
    done.set()
    slow.join()
    assert answers[0].status_code == 200
