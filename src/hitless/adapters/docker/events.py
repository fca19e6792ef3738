"""What the engine's events say about containers that ended."""

from __future__ import annotations

from collections.abc import Sequence

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import LABEL_COLOUR, LABEL_SERVICE, Colour
from hitless.domain.proof.observations import Ending


def endings(events: Sequence[Json], offset: float) -> tuple[Ending, ...]:
    """From the engine's `kill` and `die` events, in their order. `offset` is added to the time of day."""
    told: dict[str, float] = {}
    found = []
    for event in events:
        attributes = event["Actor"]["Attributes"]
        at = event["timeNano"] / 1e9 + offset
        name = attributes.get("name", "")
        if event["Action"] == "kill":
            told.setdefault(name, at)
        elif attributes.get(LABEL_COLOUR) in tuple(Colour):
            asked = told.pop(name, None)
            found.append(
                Ending(
                    container=name,
                    service=attributes.get(LABEL_SERVICE, ""),
                    colour=Colour(attributes[LABEL_COLOUR]),
                    exit_code=int(attributes.get("exitCode") or 0),
                    is_asked=asked is not None,
                    seconds=at - asked if asked is not None else 0.0,
                    at=at,
                )
            )
    return tuple(found)
