"""Archives (tar) as the gateway and the engine send them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

from hitless.domain.gateway.compose_model import TRAEFIK

_EMPTY = bytes(1024)  # an archive's end alone


def files_in(archive: bytes) -> Iterator[tuple[str, str]]:
    """The files of an archive: path and text."""
    import tarfile  # 10 ms: not before the gateway is at work

    with tarfile.open(fileobj=io.BytesIO(archive or _EMPTY)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member.name, content.read().decode(errors="replace")


def archive(files: Mapping[str, bytes]) -> bytes:
    """An archive of these files, name -> content: for root, and readable for Traefik's group."""
    import tarfile

    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.gid = len(content), 0o640, TRAEFIK
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()
