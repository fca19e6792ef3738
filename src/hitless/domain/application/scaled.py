"""A Compose model with other numbers of containers. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.foreign import Json


def scaled(model: Json, wanted: Mapping[str, int]) -> Json:
    """The Compose model with these numbers of containers: service -> number.

    Raises `HitlessError` if the model lacks one of the services.
    """
    known = model.get("services") or {}
    if unknown := sorted(set(wanted) - set(known)):
        raise HitlessError(f"there is no service {', '.join(unknown)}", f"there is: {', '.join(known)}")
    services = {
        name: {
            **service,
            "scale": wanted[name],
            # Compose refuses a file in which the two numbers differ
            **({"deploy": {**service["deploy"], "replicas": wanted[name]}} if service.get("deploy") else {}),
        }
        if name in wanted
        else service
        for name, service in known.items()
    }
    return {**model, "services": services}
