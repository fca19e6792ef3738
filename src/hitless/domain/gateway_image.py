"""What an image must have to be the gateway's. Pure."""

from __future__ import annotations

TRAEFIK_IMAGE = "traefik:v3.7"


def unfit(said: str) -> str:
    """What an image lacks for the gateway, by what `fit` of `gateway.sh` said in it; "" where it has all."""
    missing = [line.removeprefix("missing ") for line in said.splitlines() if line.startswith("missing ")]
    return f"has no {', no '.join(missing)}" if missing else ""
