"""The jobs in Redis: order ids, each in one list at a time, so that none is lost.

A job waits in `jobs`. A worker moves it to the worker's own list, and removes it when it is done. A living
worker renews a key; the jobs of a worker whose key has run out go back to `jobs`.
"""

from collections.abc import Collection
from typing import cast

from redis import Redis

from shop.settings import REDIS_URL

WAITING = "jobs"
TAKEN = "taken:"
ALIVE = "alive:"
# Longer than a job takes.
ALIVE_SECONDS = 10


class Queue:
    """The queue as one worker, or the api, sees it."""

    def __init__(self, worker: str = "") -> None:
        self._redis = Redis.from_url(REDIS_URL, decode_responses=True)
        self._worker = worker

    def ping(self) -> None:
        """Fail if Redis does not answer."""
        self._redis.ping()

    def put(self, order: str) -> None:
        """A job for the next free worker."""
        self._redis.lpush(WAITING, order)

    def take(self, seconds: int) -> str | None:
        """The oldest job, now ours, or nothing if none comes in time."""
        job = self._redis.blmove(WAITING, TAKEN + self._worker, seconds, "RIGHT", "LEFT")
        return cast("str | None", job)

    def done(self, order: str) -> None:
        """Remove a job that is done."""
        self._redis.lrem(TAKEN + self._worker, 0, order)

    def join(self) -> None:
        """We are here, and what we had before a restart is free for every worker again."""
        self._give_back(self._worker)
        self.live()

    def live(self) -> None:
        """We are alive for some more seconds."""
        self._redis.set(ALIVE + self._worker, "", ex=ALIVE_SECONDS)

    def leave(self) -> None:
        """We are gone; what we still had is for others."""
        self._give_back(self._worker)
        self._redis.delete(ALIVE + self._worker)

    def rescue(self) -> None:
        """Give back the jobs of dead workers."""
        for key in self._redis.scan_iter(TAKEN + "*"):
            worker = key.removeprefix(TAKEN)
            if not self._redis.exists(ALIVE + worker):
                self._give_back(worker)

    def put_missing(self, orders: Collection[str]) -> None:
        """A job for each of these orders without one."""
        lists = [WAITING, *self._redis.scan_iter(TAKEN + "*")]
        known = {order for key in lists for order in self._redis.lrange(key, 0, -1)}
        for order in set(orders) - known:
            # several workers may see it at the same time: one of them wins
            if self._redis.set(f"put:{order}", "", nx=True, ex=60):
                self.put(order)

    def _give_back(self, worker: str) -> None:
        while self._redis.lmove(TAKEN + worker, WAITING, "RIGHT", "RIGHT"):
            pass
