"""What visitors reach. It knows only its api."""

from typing import Any

import httpx
from flask import Flask, request

from shop.settings import API_URL, RELEASE

Answer = tuple[dict[str, Any], int]

app = Flask(__name__)
api = httpx.Client(base_url=API_URL, timeout=10)


@app.get("/")
def index() -> Answer:
    """Both releases, and how many orders there are."""
    return ask("GET")


@app.post("/orders")
def order() -> Answer:
    """Pass an order on."""
    return ask("POST", request.get_json())


@app.get("/healthz")
def health() -> Answer:
    """This process serves. The api shows whether the database can be reached."""
    return {"web": RELEASE}, 200


def ask(method: str, body: object = None) -> Answer:
    """What the api of this release answers, and who we are."""
    answer = api.request(method, "/orders", json=body)
    return {"web": RELEASE, **answer.json()}, answer.status_code


@app.errorhandler(httpx.TransportError)
def unreachable(error: httpx.TransportError) -> Answer:
    """The api does not answer."""
    return {"web": RELEASE, "error": f"the api does not answer: {error}"}, 503
