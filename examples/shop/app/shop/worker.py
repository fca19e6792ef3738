"""Turns orders into invoices, one by one. On SIGTERM it finishes its order, and then ends.

If the database or Redis goes away, it ends with an error. Then it is started again, and continues.
"""

import signal
import threading
import time
from pathlib import Path

import psycopg

from shop.queue import Queue
from shop.settings import DATABASE_URL, RELEASE, WORK_SECONDS, WORKER

ALIVE = Path("/tmp/alive")  # for the health check
LOOK_EVERY = 5.0  # seconds; for what others have left


def main() -> None:
    """Work until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    queue = Queue(WORKER)
    queue.join()
    look_at = time.monotonic()
    with psycopg.connect(DATABASE_URL, autocommit=True) as db:
        print(f"{WORKER} works", flush=True)
        while not stop.is_set():
            queue.live()
            ALIVE.touch()
            if time.monotonic() >= look_at:
                queue.rescue()
                queue.put_missing(without_invoice(db))
                look_at = time.monotonic() + LOOK_EVERY
            if order := queue.take(seconds=1):
                work(db, order)
                queue.done(order)
    queue.leave()
    print(f"{WORKER} ends", flush=True)


def work(db: psycopg.Connection, order: str) -> None:
    """Write the invoice of an order, unless a worker that has died since had written it."""
    if db.execute("SELECT 1 FROM invoices WHERE order_id = %s", (order,)).fetchone():
        return
    db.execute("INSERT INTO attempts (order_id, worker) VALUES (%s, %s)", (order, WORKER))
    time.sleep(WORK_SECONDS)
    db.execute(
        "INSERT INTO invoices (order_id, release, worker) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (order, RELEASE, WORKER),
    )


def without_invoice(db: psycopg.Connection) -> list[str]:
    """The orders that should have an invoice by now, or wait for one."""
    rows = db.execute(
        "SELECT id FROM orders LEFT JOIN invoices ON order_id = id"
        " WHERE order_id IS NULL AND created < now() - interval '10 seconds'"
    )
    return [order for (order,) in rows]


if __name__ == "__main__":
    main()
