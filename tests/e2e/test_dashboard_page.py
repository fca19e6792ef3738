"""hitless's own dashboard in a browser: every page, and each step of a deployment under load.

(Traefik's dashboard is another one: test_dashboard.py.) With HITLESS_PICTURES=docs/assets the pictures of
docs/dashboard.md are made again.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from bench.load import Load
from tests.e2e.cable import Cable
from tests.e2e.conftest import GATEWAY, WEB, App, Cli, Gateway, free_port, gateway_of_its_own, wait_for

pytestmark = pytest.mark.more

PICTURES = os.environ.get("HITLESS_PICTURES")
TOKEN = "a-token-of-the-tests"
RATE = 40.0  # requests per second
QUICK = {"kept": 2.0, "fresh": 1.0, "post": 1.0}  # each is answered at once: so many come as are answered
NARROW, WIDE = 400, 1600
SERIOUS = ("serious", "critical")


@dataclass
class Dashboard:
    """`hitless dashboard` as a process, which a test can end and start again at the same address."""

    cli: Cli
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        token = self.folder / "token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        options = ("--listen", f"127.0.0.1:{self.port}", "--token-file", str(token))
        self.process = self.cli.start("dashboard", *options, XDG_STATE_HOME=str(self.folder))
        assert self.process.stdout
        assert self.process.stdout.readline().startswith("the dashboard is at")

    def stop(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=20)
        assert (self.process.returncode, said) == (0, "")


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with gateway_of_its_own(f"{GATEWAY}-page", "--metrics") as made:
        yield made


@pytest.fixture(scope="module")
def shop(gateway: Gateway, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    name = "garden-shop" if PICTURES else f"{GATEWAY.removeprefix('hitless-')}-page-shop"
    file = tmp_path_factory.mktemp("page") / "compose.yml"
    file.write_text(WEB.replace("IMAGE", image).replace("HOST", f"{name}.localhost"))
    cli = Cli(("-p", name, "-f", str(file)), {"HITLESS_GATEWAY": gateway.name, "RELEASE": "1"})
    cli.run("deploy")
    yield App(name, f"{name}.localhost", cli, gateway)
    cli.run("down", "--volumes", "--drain-timeout", "1")


@pytest.fixture(scope="module")
def cable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cable]:
    """The dashboard's way to the engine."""
    with Cable(tmp_path_factory.mktemp("cable") / "s") as made:
        yield made


@pytest.fixture(scope="module")
def dashboard(
    gateway: Gateway, cable: Cable, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Dashboard]:
    cli = replace(gateway.cli, environment={**gateway.cli.environment, "DOCKER_HOST": cable.host})
    made = Dashboard(cli, tmp_path_factory.mktemp("dashboard"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium (dev/servers)."""
    program = shutil.which("chromium")
    assert program, "there is no chromium; dev/servers installs it"
    with sync_playwright() as playwright:
        # as root Chromium has no sandbox; it gets pages of this test alone
        made = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield made
        made.close()


@dataclass
class Visitor:
    """Somebody who is logged in, and what their browser has complained about or asked elsewhere."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def document(self, path: str) -> Any:
        answer = self.page.request.get(f"{self.address}{path}")
        assert answer.ok, answer.text()
        return answer.json()["document"]


def log_in(context: BrowserContext, dashboard: Dashboard) -> Visitor:
    visitor = Visitor(context.new_page(), dashboard.address)
    page = visitor.page
    page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    page.on("console", lambda one: visitor.complaints.append(one.text) if "Security" in one.text else None)
    page.on("request", lambda one: visitor.elsewhere.append(one.url))
    page.goto(f"{dashboard.address}/login#{TOKEN}")
    page.wait_for_url(f"{dashboard.address}/")
    return visitor


@pytest.fixture
def visitor(browser: Browser, dashboard: Dashboard) -> Iterator[Visitor]:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        made = log_in(context, dashboard)
        yield made
        assert made.complaints == []
        assert [url for url in made.elsewhere if not url.startswith(f"{dashboard.address}/")] == []


def steps_on(page: Page) -> list[str]:
    """The steps of the command that is shown, in their order."""
    return page.locator("#latest .step").evaluate_all("all => all.map(one => one.dataset.step)")  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Told:
    """What the chart tells of both colours: how many requests in the seconds before a moment."""

    end: float
    seconds: float
    requests: float
    errors: float


def told_since(visitor: Visitor, shop: App, moment: float) -> list[Told]:
    chart = visitor.document(f"/api/applications/{shop.name}/chart?minutes=5")
    found = (
        Told(blue[0], blue[4], (blue[1] + green[1]) * blue[4], (blue[2] + green[2]) * blue[4])
        for blue, green in zip(chart["colours"]["blue"], chart["colours"]["green"], strict=True)
    )
    return [one for one in found if one.end - one.seconds > moment]


def test_a_deployment_under_load_is_seen_whole_though_page_and_dashboard_begin_again(
    shop: App, dashboard: Dashboard, visitor: Visitor
) -> None:
    page = visitor.page
    page.get_by_role("link", name=shop.name, exact=True).click()
    expect(page.get_by_text("is live: release 1")).to_be_visible()
    began = time.time()
    with Load(shop.gateway.url, host=shop.host, rate=RATE, mix=QUICK) as load:  # type: ignore[arg-type]
        deploy = shop.cli.start("deploy", RELEASE="2", BOOT_SECONDS="3")
        running = page.locator("#latest .step.running")
        expect(running).not_to_have_count(0, timeout=30_000)
        deploy.send_signal(signal.SIGSTOP)  # so that it is not over before the dashboard is back
        seen = steps_on(page)
        page.reload()
        under_way = page.locator("#latest .outcome", has_text="under way")
        expect(under_way).to_be_visible(timeout=30_000)
        assert steps_on(page)[: len(seen)] == seen
        dashboard.stop()
        expect(page.get_by_role("alert")).to_contain_text("the dashboard does not answer", timeout=10_000)
        dashboard.start()
        expect(page.get_by_role("alert")).to_be_empty(timeout=10_000)
        expect(under_way).to_be_visible()
        deploy.send_signal(signal.SIGCONT)
        assert deploy.wait(120) == 0
        expect(page.get_by_text("is live: release 2")).to_be_visible(timeout=20_000)
        expect(page.locator("#latest .outcome").first).to_have_text("successful", timeout=20_000)
        # the load continues until the chart has enough of it
        wait_for(lambda: sum(one.seconds for one in told_since(visitor, shop, began)) > 15, 60)
    report = load.report()
    assert report.lost == 0, report.lost_by

    [run] = shop.cli.json("show", "2")
    begun = [event["step"]["id"] for event in run["events"] if event["event"] == "step_began"]
    assert steps_on(page) == begun
    assert page.locator("#latest .step:not(.done)").count() == 0

    ended = [one.ended + report.epoch_offset for one in report.samples]
    told = [one for one in told_since(visitor, shop, min(ended)) if one.end < max(ended)]
    sent = sum(one.end - one.seconds < end <= one.end for one in told for end in ended)
    assert sum(one.requests for one in told) == pytest.approx(sent, rel=0.05)
    assert sum(one.errors for one in told) == 0
    expect(page.locator(".lane rect.step")).not_to_have_count(0)
    cutover = page.locator("[data-chart='requests/s'] .live").filter(has_text="release 2 is live")
    expect(cutover).to_have_count(1)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_can_be_read_on_every_screen_and_by_everybody(
    shop: App, dashboard: Dashboard, browser: Browser, theme: Any, tmp_path: Path
) -> None:
    with browser.new_context(color_scheme=theme, viewport={"width": WIDE, "height": 420}) as context:
        visitor = log_in(context, dashboard)
        page = visitor.page
        _picture(page, f"dashboard-host-{theme}", "table", tmp_path)
        page.goto(f"{dashboard.address}/applications/{shop.name}")
        expect(page.locator("#history tbody tr")).not_to_have_count(0)
        expect(page.locator(".chart")).to_have_count(4)

        page.locator("#range").select_option("5")
        expect(page.locator(".lane rect.step")).not_to_have_count(0)

        # by keyboard alone
        page.locator("#history tbody button").first.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#history .step")).not_to_have_count(0)
        _picture(page, f"dashboard-application-{theme}", "#history", tmp_path)
        page.keyboard.press("Enter")
        expect(page.locator("#history .step")).to_have_count(0)
        page.get_by_role("button", name="Show").first.focus()
        page.keyboard.press("Space")
        expect(page.locator("#logs")).to_contain_text("release")
        if page.locator("#diff-before option").count() > 1:
            page.get_by_role("button", name="Show").last.click()
            expect(page.locator("#diff")).to_contain_text("RELEASE")
        _is_accessible(page)

        page.set_viewport_size({"width": NARROW, "height": 800})
        page.reload()
        _picture(page, f"dashboard-phone-{theme}", ".chart", tmp_path)
        for path in (f"/applications/{shop.name}", "/", "/nothing"):
            page.goto(f"{dashboard.address}{path}")
            page.wait_for_load_state("networkidle" if path == "/nothing" else "load")
            expect(page.locator("main")).not_to_contain_text("Looking at the Docker host")
            assert page.evaluate("document.documentElement.scrollWidth") <= NARROW, path
            if path != "/nothing":
                _is_accessible(page)
        assert visitor.complaints == []


def test_an_engine_that_hangs_or_goes_away_is_told_and_the_page_stays(
    shop: App, dashboard: Dashboard, visitor: Visitor, cable: Cable
) -> None:
    page = visitor.page
    page.goto(f"{dashboard.address}/applications/{shop.name}")
    alert, live = page.get_by_role("alert"), page.get_by_text("is live: release")
    expect(live).to_be_visible()
    for trouble in (cable.hang, cable.cut):
        trouble()
        expect(alert).to_contain_text("What is below was seen last", timeout=30_000)
        expect(live).to_be_visible()
        cable.mend()
        expect(alert).to_be_empty(timeout=30_000)
    expect(live).to_be_visible()


def test_the_button_changes_the_theme_and_the_page_remembers_it(visitor: Visitor) -> None:
    page = visitor.page
    back = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(back)
    button = page.get_by_role("button", name="Theme")
    button.click()
    assert page.evaluate(back) == light
    button.click()
    dark = page.evaluate(back)
    assert dark != light
    page.reload()
    assert page.evaluate(back) == dark


def test_who_logs_out_is_out(visitor: Visitor, dashboard: Dashboard) -> None:
    page = visitor.page
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{dashboard.address}/login")
    page.goto(f"{dashboard.address}/")
    assert page.url == f"{dashboard.address}/login"
    _is_accessible(page)
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert").last).to_contain_text("not the token")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{dashboard.address}/")


def _picture(page: Page, name: str, there: str, folder: Path) -> None:
    """Take a picture of the page when this is there; a small one."""
    expect(page.locator(there).first).to_be_visible()
    page.mouse.move(0, 0)
    made = folder / f"{name}.png"
    page.screenshot(path=made, full_page=True, animations="disabled")
    kept = Path(PICTURES or folder)
    with Image.open(made) as picture:
        narrow = (
            picture.resize((picture.width * 3 // 4, picture.height * 3 // 4))
            if picture.width > 800
            else picture
        )
        narrow.convert("RGB").save(kept / f"{name}.webp", quality=80, method=6)
    assert (kept / f"{name}.webp").stat().st_size < 200_000


def _is_accessible(page: Page) -> None:
    """Whether axe-core finds nothing serious."""
    found = json.loads(json.dumps(Axe().run(page).response))["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in SERIOUS] == []
