"""What a user sees and relies on, except the cutover itself: plan, status, volumes, labels, the gateway."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

from hitless.adapters.gateway.routing_file import parse
from tests.e2e.conftest import GATEWAY, App, Cli, Gateway, docker, free_port, wait_for

Make = Callable[..., App]


def test_status_names_the_live_colour_its_containers_and_its_address(app: Make, gateway: Gateway) -> None:
    web = app()
    assert "not deployed here" in web.cli.run("status", code=1)
    web.cli.run("deploy")
    status = web.cli.json("status")
    assert status["live"] == {"colour": "blue", "release": 1}
    assert status["addresses"] == [gateway.url.replace("127.0.0.1", web.host)]
    assert status["problems"] == []
    (container,) = status["containers"]
    assert (container["container"], container["state"]) == (f"{web.name}-blue-web-1", "running")
    text = web.cli.run("status")
    assert "live: blue, release 1" in text
    assert web.name in web.cli.run("status", "--all")


def test_plan_shows_the_steps_and_touches_nothing(app: Make) -> None:
    web = app()
    output = web.cli.run("plan")
    assert f"deploy {web.name} release 1 as blue" in output
    assert output.index("start blue") < output.index("wait until blue is ready") < output.index("cut over")
    assert not any(web.leftovers().values())
    web.cli.run("deploy")
    before = web.leftovers()
    assert web.cli.json("plan")["plan"]["colour"] == "green"
    assert web.leftovers() == before


EVERYTHING_WRONG = """
x-hitless: {keeep: 2}
services:
  web:
    image: IMAGE
    container_name: the-one
    ports: ["18123:8000"]
    networks: {fixed: {ipv4_address: 10.99.0.9}}
    labels:
      - traefik.http.routers.web.rule=Host(`HOST`)
      - traefik.http.routers.web.entrypoints=nowhere
      - traefik.http.routers.web.tls.options=old@file
      - traefik.http.services.web.loadbalancer.server.prot=8000
      - traefik.udp.routers.x.rule=HostSNI(`*`)
  hosted:
    image: IMAGE
    network_mode: host
  db:
    image: IMAGE
    volumes: ["data:/data"]
networks: {fixed: {ipam: {config: [{subnet: 10.99.0.0/24}]}}}
volumes: {data: {}}
"""


def test_plan_and_deploy_name_every_error_at_once_and_touch_nothing(app: Make) -> None:
    wrong = app(EVERYTHING_WRONG)
    found = wrong.cli.json("plan", code=1)
    assert found["plan"] is None
    paths = {finding["path"] for finding in found["findings"] if finding["is_error"]}
    assert paths == {
        "x-hitless.keeep",
        "services.web.ports",
        "services.web.networks.fixed.ipv4_address",
        "services.web.labels.traefik.http.routers.web.entrypoints",
        "services.web.labels.traefik.http.routers.web.tls.options",
        "services.web.labels.traefik.http.services.web.loadbalancer.server.prot",
        "services.web.labels.traefik.udp.routers.x.rule",
        "services.hosted.network_mode",
        "services.db.volumes",
    }
    output = wrong.cli.run("deploy", code=1)
    assert "did you mean keep?" in output
    assert "did you mean port?" in output
    assert "refused, nothing changed: 9 errors" in output
    assert not any(wrong.leftovers().values())


INTO_THE_GATEWAY = """
services:
  web:
    image: IMAGE
    labels:
      - traefik.http.routers.web.rule=Host(`HOST`)
      - traefik.http.services.web.loadbalancer.server.port=8000
      - traefik.http.services.web.loadbalancer.healthcheck.path=/health
  named: {image: IMAGE, network_mode: "container:CONTAINER"}
  whole: {image: IMAGE, network_mode: "container:ID"}
  short: {image: IMAGE, pid: "container:SHORT", ipc: "container:SHORT"}
  mounting: {image: IMAGE, volumes_from: ["container:SHORT:ro"]}
  own: {image: IMAGE, network_mode: "container:NAME-blue-web-1"}
  joining: {image: IMAGE, network_mode: "GATEWAY_webgateway"}
"""


def test_nothing_runs_within_the_gateway_s_container_however_it_is_called(
    app: Make, gateway: Gateway
) -> None:
    found = docker("container", "inspect", "--format", "{{.Id}}", gateway.container)
    text = INTO_THE_GATEWAY
    words = {"CONTAINER": gateway.container, "SHORT": found[:12], "ID": found, "NAME": "e2e-within"}
    for word, meant in {**words, "GATEWAY": gateway.name}.items():
        text = text.replace(word, meant)
    within = app(text, name="e2e-within")
    plan = within.cli.json("plan", code=1)
    assert sorted(finding["path"] for finding in plan["findings"] if finding["is_error"]) == [
        "services.joining.network_mode",
        "services.mounting.volumes_from",
        "services.named.network_mode",
        "services.own.network_mode",
        "services.short.ipc",
        "services.short.pid",
        "services.whole.network_mode",
    ]


def test_a_second_application_cannot_take_the_first_one_s_host(app: Make) -> None:
    first = app()
    first.cli.run("deploy")
    second = app(WITH_HOST.replace("OTHER", first.host), name=f"{first.name}x")
    output = second.cli.run("deploy", code=1)
    assert f"the application {first.name} already has the route" in output
    assert second.containers() == []


WITH_HOST = """
services:
  web:
    image: IMAGE
    labels:
      - traefik.http.routers.web.rule=Host(`OTHER`)
      - traefik.http.services.web.loadbalancer.server.port=8000
"""

HOSTILE = """
services:
  web:
    image: IMAGE
    labels:
      traefik.http.routers.hostile.rule: Host(`HOST`)
      traefik.http.routers.hostile.middlewares: odd@docker,strip
      traefik.http.services.hostile.loadbalancer.server.port: 8000
      traefik.http.services.hostile.loadbalancer.healthcheck.path: /health
      traefik.http.middlewares.odd.headers.customresponseheaders.X-Template: '{{ env "HOME" }} {{{x}}}'
      traefik.http.middlewares.odd.headers.customresponseheaders.X-Dollar: "$$HOME $${x}"
      traefik.http.middlewares.odd.headers.customresponseheaders.X-Quotes: "it's \\"so\\": - # yes"
      traefik.http.middlewares.odd.headers.stsseconds: "42"
      traefik.http.middlewares.strip.stripprefix.prefixes: /shop, /store
"""


def test_label_values_reach_traefik_as_the_literal_text(app: Make) -> None:
    web = app(HOSTILE)
    web.cli.run("deploy")
    headers = web.get("/store/").headers
    assert web.get("/store/").status_code == 200
    assert headers["X-Template"] == '{{ env "HOME" }} {{{x}}}'
    assert headers["X-Dollar"] == "$HOME ${x}"
    assert headers["X-Quotes"] == 'it\'s "so": - # yes'


def test_an_idle_colour_cannot_be_reached_from_outside(app: Make) -> None:
    web = app()
    web.cli.run("deploy")
    file = docker("exec", f"{GATEWAY}-traefik-1", "cat", f"/etc/hitless/routes/{web.name}.yml")
    generation = parse(file + "\n", web.name).generation
    assert web.gateway.get("hitless.internal", f"/{web.name}/{generation}").status_code == 404
    assert web.get("/", **{"X-Hitless-Colour": "green"}).headers["X-Release"] == "1"


WITH_VOLUME = """
services:
  web:
    image: IMAGE
    volumes: ["uploads:/uploads"]
    x-hitless: {concurrent_writes: true}
    labels:
      - traefik.http.routers.volume.rule=Host(`HOST`)
      - traefik.http.services.volume.loadbalancer.server.port=8000
volumes:
  uploads: {}
"""


def test_a_named_volume_is_shared_by_both_colours_under_the_base_project_s_name(app: Make) -> None:
    web = app(WITH_VOLUME)
    web.cli.run("deploy")
    docker("exec", "-u", "0", f"{web.name}-blue-web-1", "sh", "-c", "echo kept > /uploads/file")
    web.cli.run("deploy")
    assert docker("exec", f"{web.name}-green-web-1", "cat", "/uploads/file") == "kept"
    assert web.leftovers()["volumes"] == [f"{web.name}_uploads"]
    web.cli.run("down")
    assert web.leftovers()["volumes"] == [f"{web.name}_uploads"]
    web.cli.run("deploy")
    web.cli.run("down", "--volumes")
    assert web.leftovers()["volumes"] == []


def test_json_is_one_event_a_line_from_began_to_ended(app: Make) -> None:
    web = app()
    lines = web.cli.run("deploy", "--json").splitlines()
    events = [json.loads(line) for line in lines]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "began"
    assert kinds[-1] == "ended"
    assert events[-1]["outcome"] == "successful"
    done = [event["step"]["id"] for event in events if event["event"] == "step_done"]
    assert done[-3:] == ["cut-over:blue", "bake:blue", "promote:1"]


def test_the_gateway_twice_changes_nothing_and_other_settings_need_a_word(gateway: Gateway) -> None:
    def identity() -> str:
        return docker("inspect", gateway.container, "--format", "{{.Id}} {{.State.StartedAt}}")

    before = identity()
    assert "nothing changed" in gateway.cli.run("gateway", "up")
    assert "--replace" in gateway.cli.run("gateway", "up", "--http-port", "1", code=1)
    assert identity() == before


def test_the_gateway_is_hard_to_attack(gateway: Gateway) -> None:
    host = json.loads(docker("inspect", gateway.container))[0]
    assert host["HostConfig"]["ReadonlyRootfs"] is True
    assert host["HostConfig"]["CapDrop"] == ["ALL"]
    assert host["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Config"]["User"] == "65532:65532"
    assert not any("docker.sock" in mount["Source"] for mount in host["Mounts"])
    assert list(host["HostConfig"]["PortBindings"]) == ["80/tcp"]
    # Traefik's own user can neither write its routes nor read the releases, which hold environment values
    refused = "touch /etc/hitless/routes/x.yml 2>&1; ls /var/lib/hitless/* 2>&1; true"
    said = docker("exec", gateway.container, "sh", "-c", refused)
    assert "ermission denied" in said
    assert gateway.get("unknown.localhost").status_code == 404


def test_a_foreign_file_in_the_routing_directory_is_named_and_stops_nobody(app: Make) -> None:
    web = app()
    web.cli.run("deploy")
    path = "/etc/hitless/routes/mine.yml"
    docker("exec", "-u", "0", f"{GATEWAY}-traefik-1", "sh", "-c", f"echo 'http: [' > {path}")
    try:
        assert "mine.yml" in web.cli.run("deploy", RELEASE="2")
        assert web.get().headers["X-Release"] == "2"
    finally:
        docker("exec", "-u", "0", f"{GATEWAY}-traefik-1", "rm", path)


def test_rollback_without_a_former_release_says_that(app: Make) -> None:
    web = app()
    web.cli.run("deploy")
    assert "no release before the live one" in web.cli.run("rollback", code=1)


def test_an_image_that_cannot_be_had_fails_before_anything_starts(app: Make) -> None:
    web = app(WITHOUT_IMAGE)
    output = web.cli.run("deploy", code=1)
    assert "pull 127.0.0.1:1/nothing:1" in output
    assert not any(web.leftovers().values())


WITHOUT_IMAGE = """
services:
  web:
    image: 127.0.0.1:1/nothing:1
    labels:
      - traefik.http.routers.nothing.rule=Host(`HOST`)
      - traefik.http.services.nothing.loadbalancer.server.port=8000
"""


WHOLE = """
services:
  web:
    image: IMAGE
    environment:
      GREETING: "snow \\u2744 and a \\U0001F680, $$HOME, = and <<"
    configs: [{source: page, target: /page}]
    secrets: [token]
    depends_on:
      helper: {condition: service_healthy}
      once: {condition: service_completed_successfully}
    labels:
      - traefik.http.routers.whole.rule=Host(`HOST`)
      - traefik.http.services.whole.loadbalancer.server.port=8000
      - traefik.http.services.whole.loadbalancer.healthcheck.path=/health
  helper:
    image: IMAGE
    networks: [default, gateway]
    healthcheck:
      test: python3 -c "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health')"
      interval: 1s
  once:
    image: IMAGE
    command: ["true"]
configs:
  page: {content: "from the file\\n"}
secrets:
  token: {file: ./token}
networks:
  gateway: {external: true, name: traefik_webgateway}
"""


def test_what_else_a_compose_file_may_hold(app: Make, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    whole = app(WHOLE)
    output = whole.cli.run("deploy", RELEASE="1")
    assert "s3cret" not in output
    web = f"{whole.name}-blue-web-1"
    greeting = docker("exec", web, "python3", "-c", "import os; print(ascii(os.environ['GREETING']))")
    assert greeting == "'snow \\u2744 and a \\U0001f680, $HOME, = and <<'"
    assert docker("exec", web, "cat", "/page") == "from the file"
    assert docker("exec", web, "cat", "/run/secrets/token") == "s3cret"
    networks = docker(
        "inspect", f"{whole.name}-blue-helper-1", "--format", "{{json .NetworkSettings.Networks}}"
    )
    assert f"{GATEWAY}_webgateway" not in networks
    whole.cli.run("deploy", RELEASE="2")
    assert sorted(whole.containers()) == [
        f"{whole.name}-green-{name}-1" for name in ("helper", "once", "web")
    ]


def test_one_gateway_does_not_touch_another_one_s_application(app: Make) -> None:
    web = app()
    web.cli.run("deploy")
    stranger = Cli(web.cli.options, {**web.cli.environment, "HITLESS_GATEWAY": f"{GATEWAY}-2"})
    stranger.run("gateway", "up", "--http-port", str(free_port()), "--bind", "127.0.0.1")
    try:
        assert f"--gateway {GATEWAY}" in stranger.run("down", code=1)
        assert f"--gateway {GATEWAY}" in stranger.run("deploy", code=1)
    finally:
        stranger.run("gateway", "down", "--volumes", "--force")
    assert web.get().headers["X-Release"] == "1"


def test_with_the_docker_provider_labelled_containers_of_others_are_routed(
    gateway: Gateway, image: str
) -> None:
    name = f"{GATEWAY}-discovering"
    port = free_port()
    other = Cli((), {"HITLESS_GATEWAY": name})
    other.run("gateway", "up", "--docker-provider", "--http-port", str(port), "--bind", "127.0.0.1")
    labels = {
        "traefik.enable": "true",
        "traefik.http.routers.found.rule": "Host(`found.localhost`)",
        "traefik.http.services.found.loadbalancer.server.port": "8000",
    }
    words = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    found = docker("run", "--detach", "--rm", "--network", f"{name}_webgateway", *words, image)
    try:
        there = Gateway(other, f"http://127.0.0.1:{port}")
        wait_for(lambda: there.get("found.localhost").status_code == 200)
        (socket,) = [
            mount
            for mount in json.loads(docker("inspect", f"{name}-traefik-1"))[0]["Mounts"]
            if mount["Destination"] == "/var/run/docker.sock"
        ]
        assert socket["RW"] is False
    finally:
        docker("kill", found)
        other.run("gateway", "down", "--volumes", "--force")


def test_a_port_that_is_taken_is_named_with_its_owner_and_nothing_is_left(gateway: Gateway) -> None:
    name = f"{GATEWAY}-late"
    cli = Cli(("--gateway", name))
    port = gateway.url.rpartition(":")[2]
    output = cli.run("gateway", "up", "--http-port", port, "--bind", "127.0.0.1", code=1)
    assert f"port {port} is taken by the container {gateway.container}" in output
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        output = cli.run("gateway", "up", "--http-port", port, "--bind", "127.0.0.1", code=1)
    assert f"port {port} is taken by a program outside Docker" in output
    assert "next: stop what has it, or choose another one" in output
    label = f"label=com.docker.compose.project={name}"
    assert docker("ps", "--all", "--quiet", "--filter", label) == ""
    assert docker("network", "ls", "--quiet", "--filter", label) == ""
    assert docker("volume", "ls", "--quiet", "--filter", label) == ""


SECRETIVE = """
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}", BROKEN: "${BROKEN:-}", API_TOKEN: "tok-${RELEASE}-a1b2c3"}
    command: ["sh", "-c", "echo the token is $$API_TOKEN; exec python3 -S -E /app.py"]
    labels:
      - traefik.http.routers.secretive.rule=Host(`HOST`)
      - traefik.http.services.secretive.loadbalancer.server.port=8000
      - traefik.http.services.secretive.loadbalancer.healthcheck.path=/health
"""


def test_a_secret_is_in_no_output_no_journal_and_no_label(app: Make) -> None:
    web = app(SECRETIVE)
    outputs = [web.cli.run("deploy")]
    outputs.append(web.cli.run("deploy", "--json", code=1, RELEASE="2", BROKEN="exit"))
    outputs.append(web.cli.run("deploy", code=1, RELEASE="3", BROKEN="exit"))
    assert "the token is [redacted]" in outputs[-1]
    outputs += [
        web.cli.run("show", number, *more) for number in ("1", "2", "3") for more in ((), ("--json",))
    ]
    outputs += [
        web.cli.run("status", "--json"),
        web.cli.run("history", "--json"),
        web.cli.run("plan", "--json"),
    ]
    outputs.append(docker("exec", f"{GATEWAY}-traefik-1", "cat", f"/etc/hitless/routes/{web.name}.yml"))
    labels = docker("inspect", f"{web.name}-blue-web-1", "--format", "{{json .Config.Labels}}")
    assert not [text for text in (*outputs, labels) if "a1b2c3" in text]


def last_event(app: App, *arguments: str, code: int) -> dict[str, object]:
    """The last line that a command prints with --json: every line is an event."""
    lines = [line for line in app.cli.run(*arguments, "--json", code=code).splitlines() if line[:1] == "{"]
    events = [json.loads(line) for line in lines]
    assert all("event" in event for event in events)
    last: dict[str, object] = events[-1]
    return last


def test_the_last_event_of_every_command_has_an_outcome(app: Make, tmp_path: Path) -> None:
    refused = app(EVERYTHING_WRONG)
    ends = [last_event(refused, "deploy", code=1)]
    web = app(name=refused.name)
    ends.append(last_event(web, "rollback", code=1))
    web.cli.run("deploy")
    ends.append(last_event(web, "rollback", "7", code=1))
    ends.append(last_event(web, "resume", code=1))
    ends.append(last_event(web, "adopt", "--yes", code=1))
    assert [(end["event"], end["application"], end["outcome"]) for end in ends] == [
        ("ended", web.name, "failed")
    ] * 5
    assert [end["operation"] for end in ends] == ["deploy", "rollback", "rollback", "resume", "adopt"]
    same = last_event(web, "scale", "web=1", code=0)
    assert (same["operation"], same["outcome"]) == ("scale", "successful")

    broken = tmp_path / "broken.yml"
    broken.write_text("services: [")
    nowhere = App(web.name, web.host, Cli(("-f", str(broken)), web.cli.environment), web.gateway)
    unread = last_event(nowhere, "deploy", code=1)
    assert (unread["operation"], unread["outcome"]) == ("deploy", "failed")


FORGING = r"""
services:
  web:
    image: IMAGE
    command: [python3, -c, 'print("\x1b]0;title\x07\x1b[2J\x1b[31mred\x1b[0m \u202ebad\x9b2J"); exit(3)']
    labels:
      - traefik.http.routers.web.rule=Host(`HOST`)
      - traefik.http.services.web.loadbalancer.server.port=8000
      - traefik.http.services.web.loadbalancer.healthcheck.path=/health
"""


def test_what_a_container_writes_does_not_steer_the_terminal(app: Make) -> None:
    forging = app(FORGING)
    written = r"\x1b]0;title\x07\x1b[2Jred \u202ebad\x9b2J"
    for text in (forging.cli.run("deploy", code=1), forging.cli.run("show")):
        assert f"| {written}\n" in text
        assert text.replace("\n", "").isprintable()
    as_json = forging.cli.run("show", "--json")
    assert as_json.strip().isprintable() and as_json.isascii()
    assert r"\u001b]0;title\u0007\u001b[2J" in as_json
