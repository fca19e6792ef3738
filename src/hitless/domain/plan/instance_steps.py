"""The steps that replace an instance of Traefik. Each is data with an id; execution performs it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hitless.domain.common.events import StepId, StepKind
from hitless.domain.gateway.acme import Names
from hitless.domain.gateway.settings import GatewaySettings


@dataclass(frozen=True)
class StartInstance:
    """Start an instance with these settings beside the live one.

    It leaves out the CA's certificates that have exactly the `forgotten` host names.
    """

    number: int
    settings: GatewaySettings
    forgotten: tuple[Names, ...] = ()

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.START_INSTANCE, subjects=(self.settings.image,))


@dataclass(frozen=True)
class ProveInstance:
    """Wait until the routes of every application answer on the instance.

    `answering` are the applications that answer on the live instance; `certificates` are the host names of
    each certificate that it must serve.
    """

    number: int
    entry_points: tuple[str, ...]
    answering: frozenset[str]
    certificates: tuple[Names, ...] = ()

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.PROVE_INSTANCE)


@dataclass(frozen=True)
class SwitchTo:
    """Give every new connection to an instance."""

    number: int
    is_back: bool = False

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.SWITCH_BACK if self.is_back else StepKind.SWITCH_INSTANCE)


@dataclass(frozen=True)
class Settle:
    """From now on, the gateway's container starts with these settings."""

    settings: GatewaySettings

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.SETTLE)


@dataclass(frozen=True)
class CloseInstance:
    """Let an instance close each connection after its next answer, and wait until all are closed.

    `timeout` is in seconds. With `http3` the connections over HTTP/3 go before, with as much time.
    """

    number: int
    timeout: float
    http3: bool = False

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.DRAIN_INSTANCE)


@dataclass(frozen=True)
class EndInstance:
    """End an instance that gets no new connections. With `http3` clients may use that again then."""

    number: int
    http3: bool = False

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.END_INSTANCE)


InstanceStep: TypeAlias = StartInstance | ProveInstance | SwitchTo | Settle | CloseInstance | EndInstance
