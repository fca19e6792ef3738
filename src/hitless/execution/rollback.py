"""Deploy a kept release again."""

from __future__ import annotations

from hitless.domain.common.errors import HitlessError
from hitless.domain.host.world import KeptRelease, World
from hitless.domain.plan import releases
from hitless.domain.release.prepared import AS_WRITTEN, Timeouts
from hitless.execution.kept import bring_back
from hitless.execution.session import Session


def rollback(session: Session, number: int | None, timeouts: Timeouts = AS_WRITTEN) -> None:
    """Deploy a kept release again, with the same plan as `deploy`. None: the release before the live one."""
    gateway, world = session.open()
    bring_back(session, _kept_release(world, session.application, number), world, gateway, timeouts)


def _kept_release(world: World, application: str, number: int | None) -> KeptRelease:
    kept = ", ".join(str(release.number) for release in world.releases) or "none"
    former = releases.former_release(world, application)
    wanted = number if number is not None else former.number if former else None
    if wanted is None:
        raise HitlessError(
            f"{application} has no release before the live one to go back to (kept: {kept})",
            "`keep` in x-hitless sets how many releases are kept",
        )
    found = world.kept_release(wanted)
    if found is None:
        raise HitlessError(f"release {wanted} of {application} is not kept", f"kept: {kept}")
    return found
