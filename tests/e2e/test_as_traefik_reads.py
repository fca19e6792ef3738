"""Every text of a routing file arrives unchanged in a real Traefik, as Traefik's own API shows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.routing.split import Routing, all_to
from tests.domain.builders import examples, hostile_texts, part, router
from tests.e2e.conftest import GATEWAY
from tests.e2e.traefik import Traefik, traefik_of_its_own

pytestmark = pytest.mark.more

# texts that some reader of YAML takes for something else if they are not quoted
ODD = (
    *("1234e56", "1e3", "1E-3", "0o17", "017", "0x1F", "0b11", "1_000", "12:30", "1:20:30", ".5", "+1", "-0"),
    *(
        ".inf",
        "-.INF",
        ".nan",
        "~",
        "null",
        "NULL",
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "true",
        "False",
        "=",
        "<<",
    ),
    *(
        "2001-01-01",
        "2001-12-14t21:59:43.10-05:00",
        "!!binary aGk=",
        "\x00",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\ufffe",
    ),
    *("\u2028", "\ufeff", "\U0010ffff", "a\tb", " a ", "a: b", "[a]", "{a: b}", "- a", "'", "\\", "\\u0041"),
)
TEXTS = st.sampled_from(ODD) | st.from_regex(r"[0-9]{1,6}[eE][0-9]{1,3}", fullmatch=True) | hostile_texts()
generations = count(1)


@pytest.fixture(scope="module")
def traefik() -> Iterator[Traefik]:
    with traefik_of_its_own(f"{GATEWAY}-as-traefik-reads", {"web": 80}) as made:
        yield made


def middlewares(texts: list[str], number: int, flag: bool) -> dict[str, Json]:
    """Each text once, and other scalars."""
    # Traefik trims what is in a list, as hitless does if a label is one, and joins it with this sign
    items = [
        text.strip() for text in texts if text.strip() and "\N{BOX DRAWINGS DOUBLE VERTICAL}" not in text
    ]
    return {
        "headers": {"headers": {"customResponseHeaders": {f"X-{at}": text for at, text in enumerate(texts)}}},
        "query": {"redirectRegex": {"regex": texts[0], "replacement": texts[-1], "permanent": flag}},
        "list": {"stripPrefix": {"prefixes": items}},
        "scalars": {"headers": {"stsSeconds": number, "stsPreload": flag}},
    }


def shown(traefik: Traefik, name: str) -> Json:
    found: Json = traefik.api(f"http/middlewares/shop.{name}.blue@file")
    return found


@settings(examples(10), phases=[Phase.explicit, Phase.generate])
@given(st.lists(TEXTS, min_size=1, max_size=60), st.integers(0, 2**63 - 1), st.booleans())
def test_every_scalar_survives(traefik: Traefik, texts: list[str], number: int, flag: bool) -> None:
    texts += ODD
    made = middlewares(texts, number, flag)
    blue = part(1, router(middlewares=tuple(made)), middlewares=made)
    traefik.deliver(Routing("shop", next(generations), all_to(Colour.BLUE), {Colour.BLUE: blue}))
    headers = shown(traefik, "headers")["headers"]["customResponseHeaders"]
    assert headers == made["headers"]["headers"]["customResponseHeaders"]
    redirect = shown(traefik, "query")["redirectRegex"]
    assert (redirect.get("regex", ""), redirect.get("replacement", "")) == (texts[0], texts[-1])
    assert shown(traefik, "list")["stripPrefix"] == made["list"]["stripPrefix"]
    scalars = shown(traefik, "scalars")["headers"]
    assert (scalars.get("stsSeconds", 0), scalars.get("stsPreload", False)) == (number, flag)
