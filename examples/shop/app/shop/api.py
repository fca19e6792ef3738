"""Takes orders. Only web calls it, by the name `api`, which is the api of the same release."""

import logging
from typing import Any

import psycopg
from flask import Flask, request
from psycopg_pool import ConnectionPool
from redis import RedisError

from shop.queue import Queue
from shop.settings import DATABASE_URL, RELEASE

Answer = tuple[dict[str, Any], int]

app = Flask(__name__)
# It notices a connection that the database has closed, and opens a new one.
db = ConnectionPool(DATABASE_URL, min_size=1, max_size=8, open=True, check=ConnectionPool.check_connection)
queue = Queue()


@app.get("/orders")
def count() -> Answer:
    """How many orders there are."""
    with db.connection() as connection:
        rows = connection.execute("SELECT count(*) FROM orders").fetchall()
    return {"api": RELEASE, "orders": rows[0][0]}, 200


@app.post("/orders")
def order() -> Answer:
    """Record an order, and put a job for it into the queue."""
    body = request.get_json(silent=True)
    order = body.get("id") if isinstance(body, dict) else None
    if not isinstance(order, str) or not order:
        return {"api": RELEASE, "error": 'an order is {"id": "..."}'}, 400
    with db.connection() as connection:
        written = connection.execute(
            "INSERT INTO orders (id, release) VALUES (%s, %s) ON CONFLICT DO NOTHING", (order, RELEASE)
        )
    if not written.rowcount:
        return {"api": RELEASE, "error": f"there is an order {order} already"}, 409
    try:
        queue.put(order)
    except RedisError:
        # The order is safe: the worker looks for those without a job.
        logging.exception("no job for order %s", order)
    return {"api": RELEASE, "id": order}, 201


@app.get("/healthz")
def health() -> Answer:
    """Database and queue answer."""
    with db.connection() as connection:
        connection.execute("SELECT 1")
    queue.ping()
    return {"api": RELEASE}, 200


@app.errorhandler(psycopg.OperationalError)
@app.errorhandler(RedisError)
def unreachable(error: Exception) -> Answer:
    """The database or the queue does not answer."""
    return {"api": RELEASE, "error": str(error)}, 503
