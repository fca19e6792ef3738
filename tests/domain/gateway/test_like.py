"""A gateway like somebody's own Traefik: what hitless makes of each setting."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from hitless.domain.gateway.like import read
from hitless.domain.gateway.like_model import Kind, Like
from hitless.domain.gateway.own_traefik import (
    OwnTraefik,
    Published,
    files_of,
    of_service,
    services_of,
    settings_of,
    settings_of_flags,
)

HTTPS = ("--entrypoints.web.address=:80", "--entrypoints.websecure.address=:443")
RESOLVER = "--certificatesresolvers.le.acme"


def like(
    *words: str,
    ports: tuple[Published, ...] | None = None,
    variables: dict[str, str] | None = None,
    labels: tuple[str, ...] = (),
    given: Collection[str] = (),
    without: Collection[str] = (),
) -> Like:
    own = OwnTraefik(settings_of_flags(words), ports, variables, labels)
    return read(own, given, without)


def options(found: Like) -> list[str]:
    return [
        " ".join(filter(None, (one.option, one.value))) for one in found.settings if one.kind is Kind.OPTION
    ]


def said(found: Like, name: str) -> tuple[Kind, str]:
    (one,) = [one for one in found.settings if one.name == name]
    return one.kind, one.said


def published(*pairs: tuple[int, int], address: str = "") -> tuple[Published, ...]:
    return tuple(Published(inner, address, port, False) for port, inner in pairs)


@pytest.mark.parametrize(
    ("words", "ports", "expected"),
    [
        # a file alone: its entry points are ports of the host
        (HTTPS, None, ["--http-port 80", "--https-port 443"]),
        (HTTPS, published((8000, 80), (8443, 443)), ["--http-port 8000", "--https-port 8443"]),
        (HTTPS, published((8000, 80)), ["--http-port 8000"]),
        (
            HTTPS,
            published((80, 80), (443, 443), address="10.0.0.1"),
            ["--http-port 80", "--https-port 443", "--bind 10.0.0.1"],
        ),
        # Traefik's own one, if none is named
        (("--providers.docker",), published((80, 80)), ["--http-port 80"]),
        # names that are known, and others
        (
            ("--entrypoints.http.address=:80", "--entrypoints.https.address=:443"),
            None,
            ["--http-port 80", "--https-port 443"],
        ),
        (
            ("--entrypoints.in.address=:80", "--entrypoints.in-tls.address=:443"),
            None,
            [
                *("--http-port 80", "--entry-point-alias in=web"),
                *("--https-port 443", "--entry-point-alias in-tls=websecure"),
            ],
        ),
        (
            (
                "--entrypoints.a.address=:8000",
                "--entrypoints.b.address=:8443",
                "--entrypoints.b.http.tls=true",
            ),
            None,
            [
                *("--https-port 8443", "--entry-point-alias b=websecure"),
                *("--publish 8000", "--entry-point-alias a=8000"),
            ],
        ),
        (("--entrypoints.app.address=:8000",), None, ["--http-port 8000", "--entry-point-alias app=web"]),
        # further ones, also of UDP
        (
            (*HTTPS, "--entrypoints.pg.address=127.0.0.1:5432/tcp", "--entrypoints.dns.address=:53/udp"),
            None,
            [
                *("--http-port 80", "--https-port 443"),
                *("--publish 127.0.0.1:5432", "--entry-point-alias pg=5432"),
                *("--publish 53/udp", "--entry-point-alias dns=53/udp"),
            ],
        ),
        # those for Traefik itself
        (
            (
                *HTTPS,
                *("--entrypoints.metrics.address=:8082", "--metrics.prometheus.entrypoint=metrics"),
                *("--entrypoints.traefik.address=:8081", "--ping.entrypoint=web"),
            ),
            None,
            ["--http-port 80", "--https-port 443", "--metrics"],
        ),
    ],
)
def test_entry_points(
    words: tuple[str, ...], ports: tuple[Published, ...] | None, expected: list[str]
) -> None:
    found = like(*words, ports=ports)
    assert options(found) == expected
    assert not found.open


def test_a_port_on_all_addresses_of_both_kinds_is_on_all() -> None:
    ports = (*published((80, 80), address="0.0.0.0"), *published((80, 80), address="::"))
    assert options(like(HTTPS[0], ports=ports)) == ["--http-port 80"]


def test_without_http_the_gateway_says_that_it_takes_port_80() -> None:
    found = like(HTTPS[1])
    assert options(found) == ["--https-port 443"]
    kind, text = said(found, "entrypoints")
    assert kind is Kind.LEFT
    assert "port 80" in text


@pytest.mark.parametrize(
    ("words", "name", "text"),
    [
        (("--entrypoints.web.address=here",), "entrypoints.web.address", "is not like :80"),
        (("--entrypoints=Name:http Address::80",), "entrypoints", "Traefik 1"),
        (
            (*HTTPS, "--entrypoints.web.forwardedHeaders.insecure=true"),
            "entrypoints.web.forwardedheaders.insecure",
            "every visitor",
        ),
        (
            (*HTTPS, "--entrypoints.web.proxyProtocol.trustedIPs=10.0.0.1"),
            "entrypoints.web.proxyprotocol",
            "no PROXY protocol",
        ),
        # what protects must not be lost without a word
        (
            (*HTTPS, "--entrypoints.websecure.http.middlewares=auth@file"),
            "entrypoints.websecure.http.middlewares",
            "label middlewares",
        ),
        (
            (*HTTPS, "--entrypoints.websecure.http.tls.options=mtls@file"),
            "entrypoints.websecure.http.tls.options",
            "label tls.options",
        ),
        (
            (*HTTPS, f"{RESOLVER}.httpchallenge=true"),
            "certificatesresolvers.le.acme.email",
            "pass --acme-email",
        ),
        (
            (*HTTPS, f"{RESOLVER}.email=a@b.c", f"{RESOLVER}.eab.kid=1"),
            "certificatesresolvers.le.acme.eab",
            "can't ask",
        ),
        (
            (*HTTPS, f"{RESOLVER}.email=a@b.c", f"{RESOLVER}.cacertificates=/ca.pem"),
            "certificatesresolvers.le.acme.cacertificates",
            "--acme-ca FILE",
        ),
        (
            (*HTTPS, f"{RESOLVER}.email=a@b.c", "--certificatesresolvers.two.acme.email=b@b.c"),
            "certificatesresolvers",
            "one account",
        ),
        (
            (*HTTPS, f"{RESOLVER}.email=a@b.c", f"{RESOLVER}.dnschallenge.provider=cloudflare"),
            "environment",
            "--acme-dns-env FILE",
        ),
    ],
)
def test_a_question(words: tuple[str, ...], name: str, text: str) -> None:
    (question,) = like(*words).open
    assert question.name == name
    assert text in question.said
    top = "certificatesresolvers" if any(word.startswith(RESOLVER) for word in words) else name
    assert not like(*words, without=[top]).open


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ((*HTTPS, "--entrypoints.web.forwardedHeaders.insecure=true"), "--trusted-proxy"),
        ((*HTTPS, f"{RESOLVER}.httpchallenge=true"), "--acme-email"),
        (
            (*HTTPS, f"{RESOLVER}.email=a@b.c", "--certificatesresolvers.two.acme.email=b@b.c"),
            "--acme-email",
        ),
        (
            (*HTTPS, f"{RESOLVER}.email=a@b.c", f"{RESOLVER}.dnschallenge.provider=cloudflare"),
            "--acme-dns-env",
        ),
        ((*HTTPS, f"{RESOLVER}.email=a@b.c", f"{RESOLVER}.cacertificates=/ca.pem"), "--acme-ca"),
    ],
)
def test_an_option_of_the_command_line_answers_it(words: tuple[str, ...], given: str) -> None:
    assert like(*words).open
    found = like(*words, given=[given])
    assert not found.open
    assert not any(one.startswith(f"{given} ") for one in options(found))


def test_an_option_of_the_command_line_wins() -> None:
    found = like(*HTTPS, "--accesslog", given=["--http-port", "--access-log"])
    assert options(found) == ["--https-port 443"]
    assert said(found, "accesslog") == (Kind.DEFAULT, "--access-log of the command line is taken")


def test_what_is_named_as_without_must_be_there() -> None:
    found = like(*HTTPS, without=["accesslog"])
    assert [one.name for one in found.open] == ["accesslog"]
    assert not like(*HTTPS, "--accesslog.filepath=/x", without=["accessLog"]).open


def test_an_account_at_a_ca() -> None:
    resolver = (
        f"{RESOLVER}.email=ann@example.org",
        f"{RESOLVER}.storage=/a.json",
        f"{RESOLVER}.tlschallenge",
    )
    found = like(*HTTPS, *resolver)
    assert options(found)[2:] == ["--acme-email ann@example.org"]
    assert [one.name for one in found.left] == ["certificatesresolvers.le.acme.tlschallenge"]
    staging = "https://acme-staging-v02.api.letsencrypt.org/directory"
    assert options(like(*HTTPS, *resolver, f"{RESOLVER}.caserver={staging}"))[3:] == ["--acme-server staging"]
    own = f"{RESOLVER}.caserver=https://ca.internal/directory"
    assert options(like(*HTTPS, *resolver, own))[3:] == ["--acme-server https://ca.internal/directory"]
    # without HTTPS it would be of no use
    assert options(like(HTTPS[0], *resolver)) == ["--http-port 80"]
    assert "--acme-email ann@example.org" in options(like(HTTPS[0], *resolver, given=["--https-port"]))


def test_of_two_resolvers_that_for_tests_is_left() -> None:
    staging = "https://acme-staging-v02.api.letsencrypt.org/directory"
    found = like(
        *HTTPS,
        *(
            "--certificatesresolvers.try.acme.email=a@b.c",
            f"--certificatesresolvers.try.acme.caserver={staging}",
        ),
        f"{RESOLVER}.email=a@b.c",
    )
    assert options(found)[2:] == ["--acme-email a@b.c"]
    assert not found.open


def test_the_dns_with_the_credentials_of_its_environment() -> None:
    resolver = (
        *(f"{RESOLVER}.email=a@b.c", f"{RESOLVER}.dnschallenge=true"),
        *(
            f"{RESOLVER}.dnschallenge.provider=cloudflare",
            f"{RESOLVER}.dnschallenge.resolvers=1.1.1.1,9.9.9.9:53",
        ),
    )
    found = like(*HTTPS, *resolver, variables={"CF_DNS_API_TOKEN": "secret", "CF_EMPTY": ""})
    assert options(found)[2:] == [
        *("--acme-email a@b.c", "--acme-dns cloudflare"),
        *("--acme-dns-resolver 1.1.1.1:53", "--acme-dns-resolver 9.9.9.9:53", "--acme-dns-env"),
    ]
    assert found.variables == {"CF_DNS_API_TOKEN": "secret"}
    assert "secret" not in repr(found)
    for variables in ({"CF_DNS_API_TOKEN_FILE": "/run/secrets/cf"}, {"CF_DNS_API_TOKEN": "a\nb"}, {}):
        (question,) = like(*HTTPS, *resolver, variables=variables).open
        assert question.option == "--acme-dns-env"


def test_proxies_that_are_trusted_each_once_and_not_the_container_itself() -> None:
    found = like(
        *HTTPS,
        "--entrypoints.web.forwardedheaders.trustedips=127.0.0.1/32,10.0.0.0/8",
        "--entrypoints.websecure.forwardedheaders.trustedips=10.0.0.0/8,203.0.113.7",
    )
    assert options(found)[2:] == ["--trusted-proxy 10.0.0.0/8", "--trusted-proxy 203.0.113.7"]


@pytest.mark.parametrize(("times", "taken"), [(("60s", "5m"), "5m"), (("0", "5m"), "0")])
def test_the_longest_read_timeout(times: tuple[str, str], taken: str) -> None:
    words = [
        f"--entrypoints.{name}.transport.respondingTimeouts.readTimeout={time}"
        for name, time in zip(("web", "websecure"), times, strict=True)
    ]
    assert options(like(*HTTPS, *words))[2:] == [f"--read-timeout {taken}"]


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        (("--accesslog",), ["--access-log"]),
        (("--accesslog=false",), []),
        (("--accesslog.filepath=/log",), ["--access-log"]),
        (("--metrics.prometheus=true",), ["--metrics"]),
        (("--api.insecure=true",), ["--dashboard"]),
        (("--api=true", "--api.dashboard=false"), []),
        (("--api=false",), []),
        # the dashboard's port has another use
        (
            ("--api.insecure", "--entrypoints.more.address=:8080"),
            ["--publish 8080", "--entry-point-alias more=8080"],
        ),
    ],
)
def test_what_can_be_switched(words: tuple[str, ...], taken: list[str]) -> None:
    assert options(like(*HTTPS, *words))[2:] == taken


def test_what_can_not_be_taken_over_says_what_to_do() -> None:
    found = like(
        *HTTPS,
        *(
            "--providers.file.filename=/x.yml",
            "--providers.docker",
            "--log.level=DEBUG",
            "--tracing.otlp=true",
        ),
        *("--certificatesresolvers.ts.tailscale=true", "--entrypoints.web.http3.advertisedport=443"),
        labels=("traefik.http.middlewares.auth.basicauth.users",),
    )
    assert {one.name for one in found.left} == {
        *("providers.file.filename", "tracing.otlp", "certificatesresolvers.ts"),
        *("entrypoints.web.http3", "labels of its container"),
    }
    assert "gateway config add" in said(found, "providers.file.filename")[1]
    assert all(one.said for one in found.settings if one.kind is not Kind.OPTION)


def test_three_ways_to_write_the_same() -> None:
    flags = settings_of_flags(
        ("traefik", "--entryPoints.web.address", ":80", "--accesslog", "--a.b[0]=1", "-a.b[1]=2")
    )
    document = {"entryPoints": {"web": {"address": ":80"}}, "accessLog": {}, "a": {"b": [1, 2]}, "c": None}
    assert flags == settings_of(document)
    assert flags == {"entrypoints.web.address": ":80", "accesslog": "true", "a.b": "1,2"}
    script = ("/bin/sh", "-c", "exec traefik --entrypoints.web.address=:80 --accesslog --a.b=1,2")
    assert settings_of_flags(script) == flags


def test_a_service_of_a_compose_file() -> None:
    service = {
        "image": "docker.io/library/traefik:v3@sha256:0",
        "command": ["--entrypoints.web.address=:80", "--x=$$y"],
        "environment": {"CF_DNS_API_TOKEN": "a$$b", "TZ": "UTC", "TRAEFIK_LOG": "true", "NONE": None},
        "ports": [
            {"target": 80, "published": "8000", "protocol": "tcp", "host_ip": "127.0.0.1"},
            {"target": 53, "protocol": "udp"},
        ],
        "labels": {"traefik.enable": "true"},
    }
    model = {"services": {"proxy": service, "who": {"image": "traefik/whoami"}, "none": {}}}
    assert services_of(model) == {"proxy": service}
    own = of_service(service, None)
    # the command line is there, and so Traefik does not look at its variables
    assert own.settings == {"entrypoints.web.address": ":80", "x": "$y"}
    assert own.ports == (Published(80, "127.0.0.1", 8000, False), Published(53, "", 0, True))
    assert own.variables == {"CF_DNS_API_TOKEN": "a$b"}
    assert own.labels == ("traefik.enable",)
    assert of_service({**service, "command": None}, None).settings == {"log": "true"}
    assert of_service(service, {"api": "true"}).settings == {"api": "true"}
    assert of_service({**service, "network_mode": "host"}, None).ports is None


def test_where_traefik_looks_for_its_file() -> None:
    assert files_of({})[0] == "/etc/traefik/traefik.toml"
    assert "/traefik.yml" in files_of({})
    assert files_of({"command": ["--configFile=conf/t.yml"]}) == ("/conf/t.yml",)
    assert files_of({"environment": {"TRAEFIK_CONFIGFILE": "/t.yml"}}) == ("/t.yml",)


def test_any_port_of_the_host_is_a_question() -> None:
    assert [one.name for one in like(HTTPS[0], ports=published((0, 80))).open] == ["entrypoints.web.address"]


def test_http_and_https_on_two_addresses_are_a_question() -> None:
    ports = (*published((80, 80), address="10.0.0.1"), *published((443, 443)))
    assert [one.option for one in like(*HTTPS, ports=ports).open] == ["--bind"]
    assert not like(*HTTPS, ports=ports, given=["--bind"]).open
