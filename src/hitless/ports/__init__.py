"""What execution needs from outside, as small Protocols of idempotent verbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hitless.domain.common.events import Event
from hitless.ports.balancer import Balancer
from hitless.ports.certificates import Certificates
from hitless.ports.configs import Configs
from hitless.ports.containers import Containers
from hitless.ports.images import Images
from hitless.ports.instances import InstanceControl
from hitless.ports.local import Clock, LocalMachine
from hitless.ports.networks import Networks
from hitless.ports.notices import Notices
from hitless.ports.projects import Projects
from hitless.ports.state import State


@dataclass(frozen=True)
class Ports:
    """All of them, as one argument. `emit` takes every event.

    `insist` raises `LockLost` if a command no longer has its lock: another one may have begun. `hide` hides
    the secrets in a text.
    """

    images: Images
    containers: Containers
    networks: Networks
    projects: Projects
    balancer: Balancer
    state: State
    clock: Clock
    local: LocalMachine
    instances: InstanceControl
    certificates: Certificates
    configs: Configs
    notices: Notices
    emit: Callable[[Event], None]
    insist: Callable[[], None] = lambda: None
    hide: Callable[[str], str] = lambda text: text
