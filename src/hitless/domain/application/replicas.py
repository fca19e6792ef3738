"""How many containers a service has. Pure."""

from __future__ import annotations

from hitless.domain.common.foreign import Json


def replicas(service: Json) -> int:
    """How many containers a service of a model has."""
    said = (service.get("scale"), (service.get("deploy") or {}).get("replicas"))
    return next((int(number) for number in said if number is not None), 1)
