"""Which Traefik the gateway takes. Pure."""

from __future__ import annotations

import re

# dev/images reads this line, and has that very release. A newer one is taken by changing it here: running
# gateways get it by `gateway upgrade`, and say in `gateway status` that there is one.
TRAEFIK_IMAGE = "traefik:v3.7.15"
FLOATING = "traefik:v3.7"  # what older ones of hitless used if nobody asked for an image
# Traefik has the options that hitless gives it since 3.0 (`asDefault` of an entry point), and that of
# `--fast-proxy` since 3.3. But hitless checks labels against the fields of 3.7 (traefik_schema.py), and one
# field in one file that Traefik does not know stops every later change of all files. Nobody has tried
# version 4.
_OLDEST = (3, 7)


_NEXT = (4, 0)


def unfit(said: str) -> str:
    """What is wrong with a Traefik, by what `traefik version` prints; "" where nothing is."""
    version = re.search(r"^Version:\s*(\S+)", said, re.MULTILINE)
    numbers = re.match(r"v?(\d+)\.(\d+)\.", version[1]) if version else None
    found = (int(numbers[1]), int(numbers[2])) if numbers else None
    if found is None or not _OLDEST <= found < _NEXT:
        what = f"Traefik {version[1]}" if version else "a Traefik that does not tell its version"
        return f"has {what}; the gateway takes {'.'.join(map(str, _OLDEST))} or newer, and below {_NEXT[0]}"
    return ""
