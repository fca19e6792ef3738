"""The table of labels has all that Traefik takes, and takes each in the same way."""

from __future__ import annotations

from pathlib import Path

from hitless.domain.routing.labels import SCHEMAS, walk

# dev/traefik-labels writes it
LABELS = Path(__file__).with_name("traefik-labels.txt")
# docs/labels.md says that hitless takes none of these
LEFT_OUT = {
    "http.middlewares plugin",
    "http.services loadBalancer.server.url",
    "http.services middlewares",
    "tcp.services loadBalancer.serversTransport",
    "tcp.services loadBalancer.server.tls",
    "tcp.services loadBalancer.terminationDelay",
}


def traefiks() -> dict[str, str]:
    lines = (line.rpartition(" ") for line in LABELS.read_text().splitlines())
    return {label: kind for label, _, kind in lines}


def ours() -> dict[str, str]:
    return {
        f"{protocol}.{section} {path}": kind.name
        for protocol, sections in SCHEMAS.items()
        for section, table in sections.items()
        for path, kind in walk(table)
    }


def test_no_label_of_traefik_is_missing() -> None:
    missing = set(traefiks()) - set(ours())
    assert missing == LEFT_OUT


def test_no_label_is_there_that_traefik_does_not_know() -> None:
    assert set(ours()) - set(traefiks()) == set()


def test_each_is_read_as_traefik_reads_it() -> None:
    theirs = traefiks()
    # a port is a text for Traefik; hitless refuses early what is no port
    differing = {
        label: (kind, theirs[label])
        for label, kind in ours().items()
        if kind != theirs[label] and not label.endswith(".port")
    }
    assert differing == {}
