"""What Traefik has counted of each application, from its metrics in Prometheus' text form. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from hitless.domain.common.names import Colour
from hitless.domain.host.metrics import Counted, Side

# Traefik 3.7: a line for each service, code, method and protocol; a bucket has its bound as the label `le`
_LINE = re.compile(r"^traefik_service_(requests_total|request_duration_seconds_bucket)\{(.*)\} (\S+)$", re.M)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_BEGAN = re.compile(r"^process_start_time_seconds (\S+)$", re.M)


def began(text: str) -> float:
    """The Unix time when this Traefik began to count, 0 if it does not say that."""
    found = _BEGAN.search(text)
    return float(found[1]) if found else 0.0


def counted(text: str) -> dict[Side, Counted]:
    """What it has counted of each colour of each application. Services that others made are left out."""
    requests: dict[Side, float] = defaultdict(float)
    errors: dict[Side, float] = defaultdict(float)
    within: dict[Side, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for kind, side, labels, value in _lines(text):
        if kind != "requests_total":
            within[side][float(labels["le"])] += value  # `+Inf` is a float's word, too
            continue
        requests[side] += value
        if labels.get("code", "").startswith("5"):
            errors[side] += value
    return {
        side: Counted(number, errors[side], dict(sorted(within[side].items())))
        for side, number in requests.items()
    }


def _lines(text: str) -> Iterator[tuple[str, Side, dict[str, str], float]]:
    for found in _LINE.finditer(text):
        labels = dict(_LABEL.findall(found[2]))
        side = _side(labels.get("service", ""))
        if side:
            yield found[1], side, labels, float(found[3])


def _side(service: str) -> Side | None:
    """The colour that a service's name is of: `shop.web.blue@file` (`name_of` in traefik_ways.py)."""
    name, _, provider = service.rpartition("@")
    application, _, rest = name.partition(".")
    suffix = rest.rpartition(".")[2]
    if provider != "file" or not application or suffix not in tuple(Colour):
        return None
    return application, Colour(suffix)
