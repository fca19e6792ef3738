"""Who gets in, as an attacker would try it."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Thread

import pytest

from hitless.web.access import Gate, TooManyTries
from hitless.web.server import serve
from tests.web.conftest import ADDRESS, TOKEN, Dashboard, log_in

PAGES = ("/", "/applications/shop")
APIS = (
    "/api/host",
    "/api/applications/shop",
    "/api/applications/shop/run?began=x",
    "/api/applications/shop/chart?minutes=15",
    "/api/applications/shop/logs",
    "/api/applications/shop/diff?before=1&after=2",
)


def test_without_a_login_every_page_leads_to_it_and_no_document_answers(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    for page in (*PAGES, "/nothing", "/login/", "/static"):
        answer = browser.get(page)
        assert (answer.status_code, answer.headers.get("location")) == (303, "/login"), page
    for page in APIS:
        answer = browser.get(page)
        assert (answer.status_code, answer.json()) == (401, {"error": "log in first"}), page
    assert browser.get("/login").status_code == 200
    assert browser.get("/static/hitless.css").status_code == 200


def test_nothing_outside_the_folder_of_static_files_is_served(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"):
        assert browser.get(path).status_code in (303, 404), path


def test_the_right_token_opens_a_session_in_a_cookie_that_no_script_reads(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    answer = browser.post("/login", data={"token": TOKEN}, headers={"Origin": ADDRESS})
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 303
    assert cookie.startswith(f"{dashboard.gate.cookie}=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    for page in (*PAGES, *APIS[:2]):
        assert browser.get(page).status_code == 200


def test_a_session_ends_by_itself_or_by_the_button(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    log_in(browser)
    dashboard.now += 13 * 3600
    assert browser.get("/").status_code == 303
    log_in(browser)
    copied = dict(browser.cookies)
    assert browser.post("/logout", headers={"Origin": ADDRESS}).status_code == 303
    assert browser.get("/").status_code == 303
    thief = dashboard.browser()
    thief.cookies.update(copied)
    assert thief.get("/").status_code == 303


def test_dashboards_that_share_an_address_do_not_share_a_cookie() -> None:
    one, other = (Gate(TOKEN, secret, is_once=True) for secret in (b"one", b"other"))
    assert one.cookie != other.cookie


def test_a_clock_that_is_put_back_locks_nobody_out() -> None:
    now = [10_000.0]
    gate = Gate(TOKEN, b"secret", is_once=False, clock=lambda: now[0])
    for _ in range(10):
        assert not gate.admits("wrong")
    now[0] -= 3600
    assert gate.admits(TOKEN)


def test_a_connection_that_says_nothing_is_ended(dashboard: Dashboard) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    Thread(target=serve, args=(dashboard.app, listener), daemon=True).start()
    with socket.create_connection(listener.getsockname(), 5) as silent:
        silent.settimeout(30)
        assert silent.recv(1) == b""


@pytest.mark.parametrize(
    "cookie",
    ["", "x", "99999999999.", "99999999999.0000", "99999999999." + "é" * 64, "." + "0" * 64, "-1.x", "1e9.x"],
)
def test_a_forged_cookie_is_no_session(dashboard: Dashboard, cookie: str) -> None:
    browser = dashboard.browser()
    answer = browser.get("/api/host", headers={"Cookie": f"hitless-7474={cookie}".encode()})
    assert answer.status_code == 401


def test_a_later_end_is_another_signature() -> None:
    gate = Gate(TOKEN, b"secret", False)
    end, _, signature = gate.session().partition(".")
    assert gate.knows(f"{end}.{signature}")
    assert not gate.knows(f"{int(end) + 1}.{signature}")
    assert not Gate(TOKEN, b"another", False).knows(f"{end}.{signature}")
    assert Gate(TOKEN, b"secret", False).knows(f"{end}.{signature}")  # after a restart with the same file


def test_a_token_for_one_session_opens_no_second_one() -> None:
    dashboard = Dashboard(is_once=True)
    assert log_in(dashboard.browser()) == 303
    answer = dashboard.browser().post("/login", data={"token": TOKEN}, headers={"Origin": ADDRESS})
    assert answer.status_code == 403
    assert "--token-file" in answer.text


def test_ten_thousand_tries_are_ten_a_minute(dashboard: Dashboard) -> None:
    tried = 0
    browser = dashboard.browser()
    for number in range(40):
        answer = browser.post("/login", data={"token": str(number)}, headers={"Origin": ADDRESS})
        tried += answer.status_code == 403
    assert (answer.status_code, tried) == (429, 10)
    assert 0 < int(answer.headers["retry-after"]) <= 60
    # not even the right one is looked at: an answer would tell which one is right
    assert log_in(browser) == 429
    looked_at = 0
    for number in range(10_000):  # within 100 seconds
        dashboard.now += 0.01
        with suppress(TooManyTries):
            assert not dashboard.gate.admits(str(number))
            looked_at += 1
    assert looked_at <= 20
    dashboard.now += 61
    assert log_in(browser) == 303


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:7475"},
        {"Origin": "https://127.0.0.1:7474"},
        {"Origin": ADDRESS, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused(dashboard: Dashboard, headers: dict[str, str]) -> None:
    browser = dashboard.browser()
    for path in ("/login", "/logout"):
        answer = browser.post(path, data={"token": TOKEN}, headers=headers)
        assert (answer.status_code, answer.headers.get("set-cookie")) == (403, None)


def test_a_form_of_ours_is_known_by_what_the_browser_says_of_it(dashboard: Dashboard) -> None:
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    assert dashboard.browser().post("/login", data={"token": TOKEN}, headers=headers).status_code == 303


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:7474", "", "localhost.", "[::1", "0.0.0.0"]
)
def test_a_name_that_leads_here_from_elsewhere_gets_nothing(dashboard: Dashboard, host: str) -> None:
    browser = dashboard.browser()
    log_in(browser)
    answer = browser.get("/", headers={"Host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["localhost:8000", "[::1]:7474", "127.0.0.1"])
def test_a_tunnel_may_have_another_port(dashboard: Dashboard, host: str) -> None:
    assert dashboard.browser(f"http://{host}").get("/login").status_code == 200


def test_behind_https_the_public_name_counts_and_the_cookie_is_for_https_alone() -> None:
    dashboard = Dashboard(public="Dash.Example.org")
    browser = dashboard.browser("http://dash.example.org")
    assert dashboard.browser().get("/login").status_code == 421
    answer = browser.post("/login", data={"token": TOKEN}, headers={"Origin": "https://dash.example.org"})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-hitless=")
    assert "Secure" in cookie.split("; ")


def test_every_answer_has_the_headers_that_protect_it(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    answers = [
        browser.get(path) for path in ("/", "/login", "/api/host", "/static/nothing", "/static/lib.js")
    ]
    answers += [browser.get("/", headers={"Host": "evil"}), browser.post("/login"), browser.put("/")]
    log_in(browser)
    answers += [browser.get(path) for path in ("/", "/applications/shop", "/api/host", "/nothing")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        wanted = "no-cache" if "/static/" in str(answer.url) else "no-store"
        assert answer.headers["cache-control"] == wanted, answer.url


def test_other_methods_and_long_forms_are_refused(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    log_in(browser)
    assert browser.delete("/").status_code == 405
    assert browser.post("/", headers={"Origin": ADDRESS}).status_code == 405
    answer = browser.post("/login", data={"token": "x" * 5000}, headers={"Origin": ADDRESS})
    assert answer.status_code == 413
