"""Adopting an application on a host in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from hitless.domain.application.model import Application
from hitless.domain.common.errors import HitlessError, HookFailed, Locked
from hitless.domain.common.events import Ended, StepDone, StepKind
from hitless.domain.gateway.model import EdgeStatus, GatewayContainer
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.journal import runs
from hitless.domain.host.world import ComposeContainer, Neighbour, Port
from hitless.domain.routing.split import NOBODY, Routing
from hitless.execution import adopt as adopting
from hitless.ports.balancer import Answer
from hitless.ports.outside import Speaks
from tests.execution import commands
from tests.execution.applications import application, shop
from tests.fakes.host import FakeHost
from tests.fakes.outside import FakeOutside

PUBLISHING = application(
    {
        "web": {
            "build": {"context": "/src"},
            "ports": [{"target": 8000, "published": "8080", "protocol": "tcp"}],
            "x-hitless": {"publish": "gateway"},
        }
    }
)


@dataclass
class FakeGatewayProject:
    """A gateway project in memory. `breaks` are ports that fail at the start, `taken` before it."""

    host: FakeHost
    there: GatewaySettings | None = None
    breaks: tuple[int, ...] = ()
    taken: tuple[int, ...] = ()
    # image -> what it lacks
    lacks: dict[str, str] = field(default_factory=dict)
    applied: list[GatewaySettings] = field(default_factory=list)
    given: dict[str, bytes] = field(default_factory=dict)

    def settings(self) -> GatewaySettings | None:
        return self.host.traefiks.running[self.host.traefiks.live] or self.there

    def container(self) -> GatewayContainer | None:
        return (
            GatewayContainer("running" if self.host.has_gateway else "exited", True) if self.there else None
        )

    def foreign(self) -> tuple[str, ...]:
        return ()

    def edge_statuses(self) -> tuple[EdgeStatus, ...]:
        return ()

    def logs(self, lines: int) -> str:
        return ""

    def free_pool(self) -> str:
        return "10.213.0.0/16"

    def refuse_taken(self, ports: Mapping[int, str], udp_ports: Mapping[int, str]) -> None:
        if found := set(ports) & set(self.taken):
            raise HitlessError(f"port {min(found)} is taken")

    def outdated(self) -> str:
        return ""

    def unfit(self, image: str) -> str:
        return self.lacks.get(image, "")

    def give(self, files: Mapping[str, bytes]) -> None:
        self.given.update(files)

    def apply(self, settings: GatewaySettings) -> None:
        published = {*settings.own_ports, *settings.ports} - set(settings.held)
        if published & set(self.breaks):
            raise HitlessError("port is taken", "stop what has it")
        self.host.verbs.append("gateway")
        self.host.has_gateway = True
        self.there = settings
        self.host.gateway_settings = settings
        self.applied.append(settings)

    def drop_copies(self) -> None:
        self.host.verbs.append("drop copies")

    def answers(self) -> bool:
        return True

    def remove(self, settings: GatewaySettings, volumes: bool) -> None:
        raise AssertionError


def plain_host(*ports: Port) -> FakeHost:
    host = FakeHost(has_gateway=False)
    host.base["web"] = ComposeContainer("shop", "web", "shop-web-1", "running")
    networks = {"shop_default": ("10.0.0.3",)}
    host.others = (Neighbour("shop-web-1", "shop", "web", "shop:1", ports, networks, False, False),)
    return host


def adopt(host: FakeHost, gateway: FakeGatewayProject, made: Application) -> None:
    found, findings = adopting.look(host.ports(), gateway, "traefik", made)
    assert not [finding for finding in findings if finding.is_error]
    commands.adopt(host.ports(), gateway, made, found)


def test_the_release_starts_then_the_port_moves_then_the_plain_containers_are_removed() -> None:
    host = plain_host(Port(8080, 8000))
    gateway = FakeGatewayProject(host)
    adopt(host, gateway, PUBLISHING)
    verbs = [verb for verb in host.verbs if verb in ("gateway", "start", "stop", "remove base")]
    assert verbs == ["gateway", "start", "stop", "gateway", "stop", "remove base"]
    assert [one.held for one in gateway.applied] == [(8080,), ()]
    assert host.base == {}
    assert host.violations == []


@pytest.mark.parametrize(
    ("gaps", "said"),
    [
        ({8080: 1.25}, "asked from here all the time, port 8080 for 1.2 s did not answer"),
        ({}, "requests got no answer for at most 2.0 s"),
    ],
    ids=["measured", "it can't be measured from here"],
)
def test_the_interruption_is_measured_from_outside(gaps: dict[int, float], said: str) -> None:
    host = plain_host(Port(8080, 8000))
    gateway = FakeGatewayProject(host)
    found, _ = adopting.look(host.ports(), gateway, "traefik", PUBLISHING)
    outside = FakeOutside(gaps)
    commands.adopt(host.ports(), gateway, PUBLISHING, found, outside)
    assert [(one.port, one.speaks) for one in outside.watched] == [(8080, Speaks.HTTP)]
    [detail] = [
        one.detail
        for one in host.events
        if isinstance(one, StepDone) and one.step.kind is StepKind.TAKE_PORTS
    ]
    assert detail == said


def test_the_routes_of_a_stopped_application_behind_the_same_traefik_are_told() -> None:
    host = plain_host()
    front = {"front": ("10.0.0.2",)}
    host.others = (
        Neighbour("shop-web-1", "shop", "web", "shop:1", (), front, True, False),
        Neighbour("edge", "edge", "traefik", "traefik:v3", (Port(80, 80),), front, False, False),
        *(
            Neighbour(
                f"{name}-web-1",
                name,
                "web",
                "blog:1",
                (),
                {network: ()},
                True,
                False,
                is_running=False,
                rules=("Host(`blog.example`)",),
            )
            for name, network in (("blog", "front"), ("far", "other"))
        ),
    )
    found, findings = adopting.look(host.ports(), FakeGatewayProject(host), "traefik", shop())
    assert found.ports == {80: "edge"}
    [said] = [one for one in findings if one.path == "blog"]
    assert not said.is_error
    assert "edge has routes to it when it runs (Host(`blog.example`))" in said.message
    # nothing is lost with them: they hold nobody up
    assert found.others == ()


def test_a_bad_release_changes_nothing_of_what_runs() -> None:
    host = plain_host(Port(8080, 8000))
    gateway = FakeGatewayProject(host)
    host.behaviour.states[1] = {"state": "exited", "exit_code": 1}
    with pytest.raises(HitlessError):
        adopt(host, gateway, PUBLISHING)
    assert all(one.startswith("shop-blue") for ids in host.stopped for one in ids)
    assert [one.held for one in gateway.applied] == [(8080,)]
    assert "web" in host.base


def test_a_port_that_the_gateway_cant_get_goes_back_to_its_container() -> None:
    host = plain_host(Port(8080, 8000))
    gateway = FakeGatewayProject(host, breaks=(8080,))
    with pytest.raises(HitlessError, match="port is taken") as raised:
        adopt(host, gateway, PUBLISHING)
    # the release is live behind the gateway, and what ran before keeps serving
    assert raised.value.is_unfinished
    assert isinstance(host.events[-1], Ended)
    assert (host.events[-1].operation, host.events[-1].outcome) == ("adopt", "unfinished")
    assert host.verbs[-3:] == ["stop", "gateway", "start again shop-web-1"]
    assert "web" in host.base
    # once it can get the port, the rest is done without another release
    gateway.breaks = ()
    host.verbs.clear()
    adopt(host, gateway, PUBLISHING)
    verbs = [verb for verb in host.verbs if verb in ("start", "stop", "remove base")]
    assert verbs == ["stop", "stop", "remove base"]


def test_nothing_to_adopt() -> None:
    with pytest.raises(HitlessError, match="nothing of shop runs"):
        adopting.look(FakeHost().ports(), FakeGatewayProject(FakeHost()), "traefik", shop())


def test_all_errors_are_told_before_any_change() -> None:
    host = plain_host()
    made = application({"web": {**shop().model["services"]["web"], "network_mode": "host"}})
    _, findings = adopting.look(host.ports(), FakeGatewayProject(host), "traefik", made)
    assert [finding.path for finding in findings if finding.is_error] == ["services.web.network_mode"]
    assert host.verbs == []


def with_beat() -> tuple[FakeHost, Application]:
    """A host that runs an exclusive service (beat) and the web service."""
    host = plain_host()
    host.base["beat"] = ComposeContainer("shop", "beat", "shop-beat-1", "running")
    host.others += (Neighbour("shop-beat-1", "shop", "beat", "shop:1", (), {}, False, False),)
    beat = {"build": {"context": "/src"}, "x-hitless": {"exclusive": True}}
    return host, application({"web": dict(shop().model["services"]["web"]), "beat": beat})


def test_an_exclusive_service_starts_again_if_the_release_is_bad() -> None:
    host, made = with_beat()
    host.behaviour.answers[1] = [Answer(503, "no")]
    with pytest.raises(HitlessError):
        adopt(host, FakeGatewayProject(host), made)
    assert host.verbs[-1] == "start again shop-beat-1"


def test_an_exclusive_service_starts_again_if_its_stop_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host, made = with_beat()

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(host, "stop", interrupted)
    with pytest.raises(KeyboardInterrupt):
        adopt(host, FakeGatewayProject(host), made)
    assert host.verbs[-1] == "start again shop-beat-1"


def test_an_exclusive_service_does_not_run_twice_after_an_interrupt_after_the_cutover() -> None:
    host, made = with_beat()

    def interrupted(verb: str) -> None:
        if verb != "deliver" and "shop" in host.in_traefik and host.in_traefik["shop"].live:
            raise KeyboardInterrupt

    host.before = interrupted
    with pytest.raises(KeyboardInterrupt):
        adopt(host, FakeGatewayProject(host), made)
    assert host.in_traefik["shop"].live
    assert not any(verb.startswith("start again") for verb in host.verbs)


def test_its_restart_policy_comes_back_with_it() -> None:
    host, made = with_beat()
    beat = {**made.model["services"]["beat"], "restart": "unless-stopped"}
    made = application({"web": dict(made.model["services"]["web"]), "beat": beat})
    host.behaviour.answers[1] = [Answer(503, "no")]
    with pytest.raises(HitlessError):
        adopt(host, FakeGatewayProject(host), made)
    assert host.policies["shop-beat-1"] == "unless-stopped"


def test_a_hook_that_fails_after_the_cutover_does_not_end_the_adoption() -> None:
    host, made = with_beat()
    made = application(made.model["services"], {"hooks": {"after-cutover": {"local": ["tell"]}}})
    host.behaviour.broken_commands = ("tell",)
    with pytest.raises(HookFailed):
        adopt(host, FakeGatewayProject(host), made)
    assert host.base == {}
    assert not any(verb.startswith("start again") for verb in host.verbs)


def test_a_gateway_that_cant_get_a_port_starts_with_its_former_settings() -> None:
    host = FakeHost()
    gateway = FakeGatewayProject(host, there=GatewaySettings(bind="10.1.1.1"), breaks=(8080,))
    with pytest.raises(HitlessError, match="port is taken") as raised:
        commands.gateway_up(host.ports(), gateway, True, {"ports": {8080: ""}}, may_replace=True)
    assert gateway.applied == [GatewaySettings(bind="10.1.1.1")]
    assert not raised.value.is_unfinished


def test_a_gateway_that_cant_start_with_its_former_settings_is_unfinished() -> None:
    host = FakeHost()
    gateway = FakeGatewayProject(host, there=GatewaySettings(), breaks=(80,))
    with pytest.raises(HitlessError, match="port is taken") as raised:
        commands.gateway_up(host.ports(), gateway, True, {"bind": "10.1.1.1"}, may_replace=True)
    assert raised.value.is_unfinished
    assert raised.value.hint == "stop what has it; restoring the previous state failed, too: port is taken"


def test_the_container_that_had_the_port_starts_again_even_if_the_gateway_does_not() -> None:
    host = plain_host(Port(8080, 8000))
    gateway = FakeGatewayProject(host)
    found, _ = adopting.look(host.ports(), gateway, "traefik", PUBLISHING)
    stop = host.stop

    def stopped(containers: Sequence[str]) -> None:
        stop(containers)
        gateway.breaks = (80, 8080)

    host.stop = stopped  # type: ignore[method-assign]
    with pytest.raises(HitlessError) as raised:
        commands.adopt(host.ports(), gateway, PUBLISHING, found)
    assert raised.value.is_unfinished
    assert host.verbs[-1] == "start again shop-web-1"


def test_the_gateways_own_port_cant_be_published_for_an_application() -> None:
    host = FakeHost()
    gateway = FakeGatewayProject(host, there=GatewaySettings(ports={8080: ""}))
    with pytest.raises(HitlessError, match="port 8080 can't be both"):
        commands.gateway_up(host.ports(), gateway, True, {"http_port": 8080}, may_replace=True)
    assert gateway.applied == []


def test_the_port_of_the_dashboard_cant_be_published_for_an_application() -> None:
    host = FakeHost()
    gateway = FakeGatewayProject(host, there=GatewaySettings(dashboard=True))
    with pytest.raises(HitlessError, match="the dashboard's"):
        commands.gateway_up(host.ports(), gateway, True, {"ports": {8080: ""}}, may_replace=True)
    assert gateway.applied == []


def behind(host: FakeHost) -> None:
    """An application is live behind the gateway."""
    routing = Routing("shop", 3, NOBODY, {})
    host.routings["shop"] = routing
    host.in_traefik["shop"] = routing


def test_a_gateway_whose_applications_do_not_answer_stays_up_with_an_error() -> None:
    host = FakeHost(has_gateway=False)
    behind(host)
    host.in_traefik.clear()
    host.behaviour.refused = "shop.yml: field not found"
    with pytest.raises(
        HitlessError, match=r"is up, but shop does not answer .* refuses shop\.yml: field"
    ) as said:
        commands.gateway_up(host.ports(), FakeGatewayProject(host), False, {}, may_replace=False)
    assert "hitless -p NAME down" in said.value.hint
    assert host.has_gateway


def test_settings_that_remove_an_applications_routes_are_undone() -> None:
    host = FakeHost()
    behind(host)
    gateway = FakeGatewayProject(host, there=GatewaySettings())
    apply = gateway.apply

    def applied(settings: GatewaySettings) -> None:
        apply(settings)
        host.in_traefik = {} if settings.image == "traefik:v2" else {"shop": Routing("shop", 3, NOBODY, {})}

    gateway.apply = applied  # type: ignore[method-assign]
    asked = {"image": "traefik:v2", "image_asked": True}
    with pytest.raises(HitlessError, match="with these settings shop does not answer"):
        commands.gateway_up(host.ports(), gateway, True, asked, may_replace=True)
    assert [one.image for one in gateway.applied] == ["traefik:v2", GatewaySettings().image]
    assert "shop" in host.in_traefik


def test_a_running_gateway_restores_a_damaged_file_and_says_so() -> None:
    host = FakeHost()
    behind(host)
    host.restored["shop.yml"] = "shop.yml in the gateway is empty"
    host.broken["blog.yml"] = "blog.yml in the gateway is empty"
    gateway = FakeGatewayProject(host, there=GatewaySettings())
    _, is_changed, said = commands.gateway_up(host.ports(), gateway, True, {}, may_replace=False)
    assert not is_changed
    assert said == (
        "shop.yml was damaged or gone, and is as it was again, from its last good copy",
        "blog.yml in the gateway is empty",
    )


def test_the_change_of_ports_is_one_command_in_the_journal_and_holds_the_lock() -> None:
    host = plain_host(Port(8080, 8000))

    def watch(verb: str) -> None:
        assert host.holder, verb

    stop = host.stop

    def stopped(containers: Sequence[str]) -> None:
        watch("stop")
        stop(containers)

    host.stop = stopped  # type: ignore[method-assign]
    adopt(host, FakeGatewayProject(host), PUBLISHING)
    [run] = runs("\n".join(host.lines))
    assert (run.operation, run.release, run.outcome) == ("adopt", 1, "successful")
    steps = [event["step"]["id"] for event in run.events if event["event"] == "step_done"]
    assert steps[0] == "build:web"
    assert steps[-3:] == ["promote:1", "take-ports:8080", "remove:shop-web-1"]


def test_the_journal_also_has_a_failed_change_of_ports() -> None:
    host = plain_host(Port(8080, 8000))
    with pytest.raises(HitlessError):
        adopt(host, FakeGatewayProject(host, breaks=(8080,)), PUBLISHING)
    last = runs("\n".join(host.lines))[-1]
    assert (last.operation, last.outcome, str(last.step)) == ("adopt", "unfinished", "take-ports:8080")
    with pytest.raises(HitlessError, match="adoption of shop") as raised:
        commands.resume(host.ports())
    assert raised.value.hint == "hitless adopt continues it"


def test_nothing_is_stopped_while_another_command_works_on_the_application() -> None:
    host, made = with_beat()
    gateway = FakeGatewayProject(host)
    found, _ = adopting.look(host.ports(), gateway, "traefik", made)
    host.holder = "another"
    with pytest.raises(Locked):
        commands.adopt(host.ports(), gateway, made, found)
    assert "stop" not in host.verbs

    host = plain_host(Port(8080, 8000))
    gateway = FakeGatewayProject(host, breaks=(8080,))
    with pytest.raises(HitlessError, match="port is taken"):
        adopt(host, gateway, PUBLISHING)
    gateway.breaks = ()
    found, _ = adopting.look(host.ports(), gateway, "traefik", PUBLISHING)
    host.verbs.clear()
    host.holder = "another"
    with pytest.raises(Locked):
        commands.adopt(host.ports(), gateway, PUBLISHING, found)
    assert host.verbs == []


def test_a_taken_port_is_refused_before_the_gateway_restarts() -> None:
    host = FakeHost()
    gateway = FakeGatewayProject(host, there=GatewaySettings(), taken=(8080,))
    with pytest.raises(HitlessError, match="port 8080 is taken"):
        commands.gateway_up(host.ports(), gateway, True, {"ports": {8080: ""}}, may_replace=True)
    assert gateway.applied == []
