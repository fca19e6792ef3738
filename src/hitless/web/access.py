"""Who may see the pages: a token once, a cookie after that. Also what every answer says to the browser."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import time
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SESSION = 12 * 3600  # seconds
_TRIES = 10  # that fail, in a minute
_MINUTE = 60.0
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def is_loopback(name: str) -> bool:
    """Whether a host name is a loopback address: by any other name a page elsewhere may lead here."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class TooManyTries(Exception):
    """So many tokens were wrong that none is looked at; `seconds` until the next one is."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Gate:
    """Exchanges the token for sessions, and knows these again.

    `secret` signs the sessions: with the same one they outlive a restart. `is_once`: the token opens one
    session, and no second one. `public` is the host name by which a proxy with HTTPS is reached, "" without
    one.
    """

    def __init__(
        self,
        token: str,
        secret: bytes,
        is_once: bool,
        public: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._token = token.encode()
        self._key = hashlib.sha256(b"session of a dashboard\n" + secret).digest()
        self._is_once = is_once
        self._is_used = False
        self._failed: deque[float] = deque(maxlen=_TRIES)
        self._clock = clock
        self.public = public.lower()
        self.scheme = "https" if public else "http"
        self._ended: set[str] = set()
        # A browser takes a cookie with `__Host-` over HTTPS alone, and from no other host. Without, all ports
        # of 127.0.0.1 are one host: each dashboard has a name of its own.
        own = hashlib.sha256(b"cookie of a dashboard\n" + secret).hexdigest()[:8]
        self.cookie = "__Host-hitless" if public else f"hitless-{own}"

    def admits(self, token: str) -> bool:
        """Whether this is the token. Raises `TooManyTries`."""
        now = self._clock()
        # a clock that was put back locks nobody out for longer
        if len(self._failed) == _TRIES and 0 <= now - self._failed[0] < _MINUTE:
            raise TooManyTries(_MINUTE - (now - self._failed[0]))
        is_right = hmac.compare_digest(token.strip().encode(errors="replace"), self._token)
        if not is_right or (self._is_once and self._is_used):
            self._failed.append(now)
            return False
        self._is_used = True
        return True

    def session(self) -> str:
        """A new session, as the value of its cookie."""
        end = str(int(self._clock()) + _SESSION)
        return f"{end}.{self._sign(end)}"

    def knows(self, session: str) -> bool:
        """Whether it is a session of ours that is not over."""
        end, _, signature = session.partition(".")
        if not re.fullmatch("[0-9]{1,12}", end) or not signature.isascii() or session in self._ended:
            return False
        return hmac.compare_digest(signature, self._sign(end)) and int(end) > self._clock()

    def give(self, response: Response) -> None:
        """Have the browser keep a new session."""
        response.set_cookie(
            self.cookie,
            self.session(),
            max_age=_SESSION,
            path="/",
            secure=bool(self.public),
            httponly=True,
            samesite="strict",
        )

    def take(self, session: str, response: Response) -> None:
        """End a session, and have the browser forget it."""
        if self.knows(session):
            self._ended.add(session)
        response.delete_cookie(
            self.cookie, path="/", secure=bool(self.public), httponly=True, samesite="strict"
        )

    def is_ours(self, host: str) -> bool:
        """Whether a `Host` header names this dashboard: else a page elsewhere has its own name lead here."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name == self.public if self.public else name == "localhost" or is_loopback(name)

    def _sign(self, end: str) -> str:
        return hmac.new(self._key, end.encode(), hashlib.sha256).hexdigest()


class Guarded:
    """The application behind the gate: nothing of it answers a stranger, or a page of another site."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks WebSocket
            await send({"type": "websocket.close"})
            return
        is_static = scope["path"].startswith("/static/")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({**_HEADERS, "Cache-Control": "no-cache" if is_static else "no-store"})
            await send(message)

        answer = self._refusal(scope) or self._app
        await answer(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        path, method = scope["path"], scope["method"]
        if not self._gate.is_ours(host):
            names = self._gate.public or "localhost or a loopback address"
            text = f"this dashboard answers as {names} alone; a proxy has to pass on the header Host\n"
            return PlainTextResponse(text, 421)
        if method not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("not here\n", 405, {"Allow": "GET, HEAD, POST"})
        if method == "POST" and not self._is_from_here(headers):
            return PlainTextResponse("a page of another site sent this\n", 403)
        if path == "/login" or path.startswith("/static/"):
            return None
        if self._gate.knows(Request(scope).cookies.get(self._gate.cookie, "")):
            return None
        if path.startswith("/api/"):
            return JSONResponse({"error": "log in first"}, 401)
        return RedirectResponse("/login", 303)

    def _is_from_here(self, headers: Headers) -> bool:
        """Whether a page of this dashboard sent it: no page can set these headers, or leave them out.

        A form's `Origin` is `null` under our referrer policy (Fetch standard): then the other counts.
        """
        if site := headers.get("sec-fetch-site"):
            return site == "same-origin"
        return headers.get("origin") == f"{self._gate.scheme}://{headers.get('host')}"
