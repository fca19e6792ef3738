"""The pages, and the JSON that they ask for every few seconds."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from hitless import __version__
from hitless.web.access import Gate, Guarded, TooManyTries
from hitless.web.looks import Seen
from hitless.web.reader import Reader

_HERE = Path(__file__).parent
_NAME = re.compile("[a-z0-9][a-z0-9_-]{0,199}")  # as Compose takes it for a project
_LONGEST_FORM = 4096  # bytes
_RANGES = (5, 15, 60, 360, 1440)  # minutes of a chart
_HIGHEST = 10**9  # number of a release

Endpoint = Callable[[Request], Awaitable[Response]]


def pages(reader: Reader, gate: Gate) -> ASGIApp:
    """The whole dashboard as an ASGI application."""
    view = _Pages(reader, gate)
    routes = [
        Route("/", view.host),
        Route("/applications/{name}", view.application),
        Route("/login", view.login, methods=["GET"]),
        Route("/login", view.log_in, methods=["POST"]),
        Route("/logout", view.log_out, methods=["POST"]),
        Route("/api/host", view.api_host),
        Route("/api/applications/{name}", view.api_application),
        Route("/api/applications/{name}/run", view.api_run),
        Route("/api/applications/{name}/chart", view.api_chart),
        Route("/api/applications/{name}/logs", view.api_logs),
        Route("/api/applications/{name}/diff", view.api_diff),
        Mount("/static", StaticFiles(directory=_HERE / "static")),
    ]
    app = Starlette(routes=routes, exception_handlers={404: view.missing, 500: view.bug})
    return Guarded(app, gate)


class _Pages:
    """One method for each route."""

    def __init__(self, reader: Reader, gate: Gate) -> None:
        self._reader = reader
        self._gate = gate
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )

    async def host(self, _: Request) -> Response:
        return self._page("host.html", title=f"gateway {self._reader.name}")

    async def application(self, request: Request) -> Response:
        name = request.path_params["name"]
        if not _NAME.fullmatch(name):
            return self._message("There is no such page", "An application's name is not like that.", 404)
        return self._page("application.html", title=name, application=name)

    async def login(self, _: Request) -> Response:
        return self._page("login.html", title="log in", message="")

    async def log_in(self, request: Request) -> Response:
        body = b""
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > _LONGEST_FORM:
                    message = "That is too long for a token."
                    return self._page("login.html", 413, title="log in", message=message)
        except ClientDisconnect:
            return Response(status_code=400)
        token = parse_qs(body.decode("ascii", errors="replace")).get("token", [""])[0]
        try:
            is_right = self._gate.admits(token)
        except TooManyTries as error:
            wait = str(math.ceil(error.seconds))
            message = f"There were too many wrong tokens. Try again in {wait} s."
            answer = self._page("login.html", 429, title="log in", message=message)
            answer.headers["Retry-After"] = wait
            return answer
        if not is_right:
            message = (
                "That is not the token, or it has been used. One that the dashboard made opens one session: "
                "for another one start the dashboard again, or use --token-file."
            )
            return self._page("login.html", 403, title="log in", message=message)
        entered = RedirectResponse("/", 303)
        self._gate.give(entered)
        return entered

    async def log_out(self, request: Request) -> Response:
        answer = RedirectResponse("/login", 303)
        self._gate.take(request.cookies.get(self._gate.cookie, ""), answer)
        return answer

    async def api_host(self, request: Request) -> Response:
        return _answer(request, await self._reader.host())

    async def api_application(self, request: Request) -> Response:
        return await self._of(request, self._reader.application)

    async def api_run(self, request: Request) -> Response:
        began = request.query_params.get("began", "")
        return await self._of(request, lambda name: self._reader.run(name, began))

    async def api_chart(self, request: Request) -> Response:
        minutes = _number(request, "minutes")
        if minutes not in _RANGES:
            return JSONResponse({"error": f"minutes is one of {', '.join(map(str, _RANGES))}"}, 400)
        return await self._of(request, lambda name: self._reader.chart(name, minutes))

    async def api_logs(self, request: Request) -> Response:
        release = _number(request, "release")
        return await self._of(request, lambda name: self._reader.logs(name, release))

    async def api_diff(self, request: Request) -> Response:
        before, after = _number(request, "before"), _number(request, "after")
        if before is None or after is None:
            return JSONResponse({"error": "before and after are numbers of releases"}, 400)
        return await self._of(request, lambda name: self._reader.diff(name, before, after))

    async def missing(self, request: Request, _: Exception) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": "there is nothing here"}, 404)
        return self._message("There is no such page", "The list of applications may help.", 404)

    async def bug(self, request: Request, _: Exception) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": "a bug in hitless; its terminal has more"}, 500)
        text = "This is a bug in hitless; please report it with the lines in the dashboard's terminal."
        return self._message("That went wrong", text, 500)

    async def _of(self, request: Request, read: Callable[[str], Awaitable[Seen]]) -> Response:
        name = request.path_params["name"]
        if not _NAME.fullmatch(name):
            return JSONResponse({"error": "that is no name of an application"}, 404)
        return _answer(request, await read(name))

    def _message(self, title: str, text: str, status: int) -> Response:
        return self._page("message.html", status, title=title, text=text)

    def _page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        known = {"version": __version__, "gateway": self._reader.name, **values}
        return HTMLResponse(self._templates.get_template(template).render(known), status)


def _answer(request: Request, seen: Seen) -> Response:
    """The document, or 304 if the page has this one. When it was seen stands beside it."""
    error = {"message": seen.error, "hint": seen.hint} if seen.error else None
    body = json.dumps({"document": seen.value, "error": error}, separators=(",", ":")).encode()
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Hitless-Seen": f"{seen.at:.3f}", "Hitless-Now": f"{time.time():.3f}"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    return int(text) if re.fullmatch("[1-9][0-9]{0,9}", text) and int(text) <= _HIGHEST else None
