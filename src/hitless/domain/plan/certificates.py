"""Which certificates a release lacks, and the step that gets them. Pure."""

from __future__ import annotations

from hitless.domain.gateway.acme import Names
from hitless.domain.gateway.certificates import covering
from hitless.domain.host.world import World
from hitless.domain.plan.routing_steps import GetCertificates
from hitless.domain.release.prepared import Prepared
from hitless.domain.routing.https import certificate_names


def get_certificates(application: Prepared, world: World) -> tuple[GetCertificates, ...]:
    """The step that gets what a release lacks from the CA; none if it lacks nothing, or may wait for it.

    Without a CA a certificate that is lacking is an error (`checks/certificates.py`), and nothing is planned.
    """
    gateway = world.gateway
    if gateway is None or gateway.challenge is None or application.settings.certificates == "later":
        return ()
    wanted = lacking(application, world)
    return (GetCertificates(application.name, wanted, gateway.ca),) if wanted else ()


def lacking(application: Prepared, world: World) -> tuple[Names, ...]:
    """The host names of each certificate that the application's routes need and the gateway does not have."""
    wanted = (names for router in application.routes.routers for names in certificate_names(router))
    return tuple(
        names
        for names in dict.fromkeys(wanted)
        if any(covering(world.certificates, name, world.now) is None for name in names)
    )
