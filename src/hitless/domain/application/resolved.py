"""Every setting of an application as hitless takes it, and where each comes from. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from hitless.domain.application.model import Application, Hook, Role, Service, Settings
from hitless.domain.common import redact
from hitless.domain.common.foreign import Json, foreign
from hitless.domain.common.names import X_HITLESS
from hitless.domain.routing.model import label_of

_OF_SERVICE = ("timeout", "successes", "ask_routes")
_SECONDS = ("timeout", "drain_timeout", "bake", "wait_timeout")


class Origin(StrEnum):
    """Where a setting comes from."""

    DEFAULT = "default"
    X_HITLESS = "x-hitless"
    LABEL = "label"
    COMPOSE = "compose"  # another key of the Compose file
    VARIABLE = "variable"  # of the environment, or of a file of variables
    OPTION = "option"
    DERIVED = "derived"  # hitless has concluded it


@dataclass(frozen=True)
class Place:
    """Where a key of the Compose file stands, and the variables that its value names."""

    file: str
    line: int
    variables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resolved:
    """A setting: its path, its value for people, and where it comes from.

    `where` is a file and line, a variable or an option; or the reason for what hitless has concluded.
    """

    path: str
    value: str = foreign()
    origin: Origin = Origin.DEFAULT
    where: str = foreign("")


def resolved(
    application: Application, places: Mapping[str, Place], wrong: Collection[str] = ()
) -> tuple[Resolved, ...]:
    """The settings of an application, without secrets.

    `places` maps path in the Compose file -> where it stands. `wrong` are the paths of settings that can't be
    read: the default counts in place of them.
    """
    hidden = redact.secrets(application.model)
    found = _Found(application, places, frozenset(wrong))
    return tuple(redact.redact(one, hidden) for one in found.all())


@dataclass(frozen=True)
class _Found:
    application: Application
    places: Mapping[str, Place]
    wrong: frozenset[str]

    def all(self) -> Iterator[Resolved]:
        for one in fields(Settings):
            path = f"{X_HITLESS}.{one.name}"
            yield self._of(path, _text(one.name, getattr(self.application.settings, one.name)), path)
        for hook in self.application.hooks:
            path = f"{X_HITLESS}.hooks.{hook.when}"
            yield self._of(f"{path} ({hook.number})", _hook(hook), path, self._top.get("hooks"))
        for kind in ("tls_options", "servers_transports"):
            if names := self._top.get(kind):
                path = f"{X_HITLESS}.{kind}"
                yield self._of(path, ", ".join(map(str, names)), path)
        for service in self.application.services:
            yield from self._of_service(service)

    def _of_service(self, service: Service) -> Iterator[Resolved]:
        path = f"services.{service.name}"
        yield self._role(service, path)
        if service.role is Role.GATEWAY:
            return
        for key in _OF_SERVICE:
            own = f"{path}.{X_HITLESS}.{key}"
            value = _text(key, getattr(service.settings, key))
            if self._is_said(own):
                yield self._of(own, value, own)
            else:
                yield self._of(own, value, f"{X_HITLESS}.{key}")
        own = f"{path}.{X_HITLESS}"
        if service.exclusive is not None:
            yield self._or_derived(f"{own}.exclusive", str(service.exclusive).lower(), service.reason)
        yield self._of(f"{own}.concurrent_writes", str(service.concurrent_writes).lower())
        scale = next((key for key in (f"{path}.scale", f"{path}.deploy.replicas") if key in self.places), "")
        yield self._of(f"{path}.scale", str(service.replicas), scale, origin=Origin.COMPOSE)
        yield from self._routes(service, path)

    def _role(self, service: Service, path: str) -> Resolved:
        own, top = f"{path}.{X_HITLESS}.role", f"{X_HITLESS}.roles.{service.name}"
        for place in (own, top):
            if self._is_said(place):
                return self._of(own, str(service.role), place)
        return Resolved(own, str(service.role), Origin.DERIVED, service.reason)

    def _routes(self, service: Service, path: str) -> Iterator[Resolved]:
        for router in self.application.routes.routers:
            if router.service == service.name and not (router.is_redirect or router.is_port):
                label = f"{path}.labels.{label_of('routers', router.name)}.rule"
                yield self._of(label, router.rule or "all of its entry points", label, origin=Origin.LABEL)
        for backend in self.application.routes.backends:
            if backend.service == service.name:
                label = f"{path}.labels.{label_of('services', backend.name)}.loadbalancer.server.port"
                is_said = label in self.places
                yield self._of(
                    label,
                    str(backend.port) if backend.port else "of `expose`, or of the image",
                    label if is_said else "",
                    origin=Origin.LABEL if backend.port and is_said else Origin.DERIVED,
                )

    def _or_derived(self, path: str, value: str, reason: str) -> Resolved:
        return (
            self._of(path, value, path)
            if self._is_said(path)
            else Resolved(path, value, Origin.DERIVED, reason)
        )

    def _of(
        self, path: str, value: str, said: str = "", is_there: Any = None, origin: Origin = Origin.X_HITLESS
    ) -> Resolved:
        """A setting that stands at `said`, if it stands there."""
        place = self.places.get(said)
        if place is None and not (said and (is_there or self._is_said(said))):
            is_no_setting = origin in (Origin.LABEL, Origin.DERIVED)
            return Resolved(path, value, origin if is_no_setting else Origin.DEFAULT)
        if said in self.wrong:
            return Resolved(path, value, Origin.DEFAULT, "what the file says can't be read")
        where = f"{place.file}:{place.line}" if place else "the Compose file"
        if place and place.variables:
            return Resolved(path, value, Origin.VARIABLE, f"{', '.join(place.variables)} in {where}")
        return Resolved(path, value, origin, where)

    def _is_said(self, path: str) -> bool:
        """Whether the resolved model has this key, wherever it comes from (`extends`, an anchor)."""
        at: Any = self.application.model
        head, mark, rest = path.partition(f".{X_HITLESS}.")
        if mark:  # services.<name>: a name may have dots
            service = (at.get("services") or {}).get(head.removeprefix("services."))
            at, path = (service or {}).get(X_HITLESS), rest
        elif path.startswith(f"{X_HITLESS}."):
            at, path = self._top, path.removeprefix(f"{X_HITLESS}.")
        key, _, below = path.partition(".")
        at = at.get(key) if isinstance(at, Mapping) else None
        return (isinstance(at, Mapping) and below in at) if below else at is not None

    @property
    def _top(self) -> Json:
        found = self.application.model.get(X_HITLESS)
        return found if isinstance(found, Mapping) else {}


def _text(name: str, value: Any) -> str:
    if name in _SECONDS:
        return f"{value:g}s"
    if name == "wait_page":
        return f"{len(value)} characters of HTML" if value else "hitless's own"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _hook(hook: Hook) -> str:
    """Where it runs; its command may hold a password, as in `hitless diff`."""
    where = f"in a container like {hook.service}'s" if hook.service else "on this machine"
    return f"{where}, for at most {hook.timeout:g}s"
