"""The notices port: receivers are kept on the gateway's state volume, and told from this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

from hitless.adapters.gateway.archive import files_in
from hitless.adapters.gateway.shell import GatewayShell
from hitless.domain.common.errors import HitlessError
from hitless.domain.host.notices import Notice
from hitless.domain.host.receivers import Kind, Occasion, Receiver, is_loopback

_CLAIM = 5.0  # seconds: a command that is done waits for it


@dataclass(frozen=True)
class GatewayNotices:
    """Those of the gateway of this shell; `name` is how this machine calls the Docker host."""

    shell: GatewayShell
    name: Callable[[], str]

    def receivers(self) -> dict[str, Receiver | None]:
        """All of them by name; None for one whose record can't be read."""
        archive = self.shell.run("receivers")[0]
        if not archive:
            return {}
        found = {path.removesuffix(".json"): text for path, text in files_in(archive)}
        return {name: decode(name, text) for name, text in sorted(found.items())}

    def keep_receiver(self, receiver: Receiver) -> None:
        """Keep it, in place of one of the same name: no line of a command has its secrets."""
        content = json.dumps(asdict(receiver)).encode()
        self.shell.run("keep_receiver", receiver.name, str(len(content)), stdin=content)

    def forget_receiver(self, name: str) -> None:
        """Keep it no more."""
        self.shell.run("forget_receiver", name)

    def claim(self, ids: Sequence[str]) -> Collection[str]:
        """Those of these notices that nobody has claimed in the last days: from now on they are claimed."""
        return frozenset(self.shell.run("claim", *ids, timeout=_CLAIM)[0].decode().split())

    def host_name(self) -> str:
        """The name of the Docker host: this machine's own where it is this machine."""
        import socket  # 3 ms: not before something is told

        try:
            name = self.name()
        except HitlessError:  # the context is gone: what fails without it says so
            return ""
        return socket.gethostname() if is_loopback(name) else name

    def tell(self, due: Mapping[Receiver, Sequence[Notice]]) -> Mapping[str, str]:
        """Send each once; name -> why that one may not have got it."""
        # imported here: every command imports this module, and these take a tenth of a second
        from hitless.adapters.notices.send import send

        return send(due)


def decode(name: str, text: str) -> Receiver | None:
    """The receiver of a record; None for one that is damaged, or that another hitless has written."""
    try:
        value = json.loads(text)
        found = Receiver(
            **{
                **value,
                "kind": Kind(value["kind"]),
                "to": tuple(value["to"]),
                "on": tuple(map(Occasion, value["on"])),
                "applications": tuple(value["applications"]),
            }
        )
    except (ValueError, KeyError, TypeError):
        return None
    own = (found.name, found.url, found.secret, found.room, found.sender)
    is_whole = all(isinstance(one, str) for one in (*own, *found.to, *found.applications))
    return found if is_whole and found.name == name else None
