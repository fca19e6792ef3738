"""What adopting an application takes, in lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from hitless.domain.plan.adopt import Adoption


def adoption_lines(adoption: Adoption) -> tuple[str, ...]:
    """A line for each thing that is done."""
    return tuple(_lines(adoption))


def _lines(found: Adoption) -> Iterator[str]:
    held = ", ".join(map(str, found.before.held)) if found.before else ""
    if found.before:
        yield "start or restart the gateway" + (f", without port {held} yet" if held else "")
    if found.exclusive:
        yield f"stop {', '.join(found.exclusive)}, because two of it must never run"
    if not found.is_live:
        yield f"deploy {found.application}: hitless plan shows how"
    if found.others:
        others = ", ".join(found.others)
        yield f"leave {found.front} its port while it serves {others}, too: adopt that, then this again"
        return
    if found.ports:
        given = ", ".join(f"{port} from {name}" for port, name in found.ports.items())
        yield f"take over port {given}: nobody is answered there for about two seconds"
    elif found.after:
        yield "restart the gateway: nobody is answered for about two seconds"
    if found.addresses:
        yield f"drain {', '.join(found.plain)}"
    yield f"remove {', '.join(found.plain)}"
