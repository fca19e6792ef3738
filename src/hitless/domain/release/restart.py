"""How containers come back after a restart of the engine. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from hitless.domain.application.model import Application
from hitless.domain.common.foreign import Json


def restart_policies(application: Application, services: Iterable[str]) -> dict[str, str]:
    """How Docker restarts containers that are live: service -> Docker's restart policy.

    The service's own policy counts. Without one, a service with a route gets `always`, or a reboot would end
    the site. It is not `unless-stopped`: after a crash the engine treats a container that it finds running as
    one that was stopped by hand (measured).
    """
    found = {}
    for service in services:
        model = application.model["services"][service]
        policy = policy_of(model) or ("always" if application.is_web(service) else "no")
        if policy != "no":
            found[service] = policy
    return found


def policy_of(service: Json) -> str:
    """What a service of a file says itself, in Docker's words; "" for nothing."""
    return str(service.get("restart") or _deploy_policy(service) or "")


def _deploy_policy(service: Json) -> str | None:
    """`deploy.restart_policy` in Docker's words, as Compose translates it."""
    wanted = (service.get("deploy") or {}).get("restart_policy")
    if wanted is None:
        return None
    policy = {"none": "no", "on-failure": "on-failure"}.get(wanted.get("condition"), "always")
    attempts = wanted.get("max_attempts")
    return f"{policy}:{attempts}" if policy == "on-failure" and attempts else policy
