"""What a service writes to, by the names of its mounts: data of one writer, or files of many. Pure.

Two releases run side by side for a while. Logs, caches, uploaded files and source code can have two writers.
For other mounts nobody but the user knows.
"""

from __future__ import annotations

import re
from typing import Any

from hitless.domain.application.stores import product_name
from hitless.domain.common.foreign import Json

# writable, but many containers can share them: sockets, the clock, devices, kernel settings
_OF_THE_HOST = re.compile(r".*\.sock|/etc/(localtime|timezone)|/(dev|proc|sys|run|var/run)(/.*)?")
# folders that a build fills, and caches: a volume there keeps no data, it only stops a source mount from
# hiding them
_FILLED_AGAIN = frozenset(
    {
        *("node_modules", "vendor", "venv", ".venv", ".next", ".nuxt", ".cache", "__pycache__", "target"),
        *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".npm", ".gradle", ".m2"),
    }
)
# Words in the names of folders whose files are written once each, or added to. Caddies share their storage
# (caddyserver.com/docs/conventions).
_FILE_WORDS = """
    log logs cache caches tmp temp upload uploads media static staticfiles assets images img pictures photos
    attachments avatars public reports results exports thumbnails caddy
"""
_FILES = frozenset(_FILE_WORDS.split())
# a word that says more than those: `media-db`, `cache.sqlite`
_DATA = frozenset(["db", "database", "sqlite", "sqlite3", "state", "lib", "index", "queue"])
_UNLIKE_CODE = _DATA | frozenset(["data", "storage", "files", "config", "backup", "backups"])
# a single file of this kind is a setting, a script or a page
_ENDINGS = """
    cfg cnf conf config crt css env html ini js json key lock md mjs pem php properties py rb sh sql template
    toml ts txt xml yaml yml
"""
_SETTINGS = frozenset(_ENDINGS.split())
_STATE_FILES = frozenset({"acme.json"})
_WORDS = re.compile(r"[^a-z0-9]+")


def writable(service: Json) -> list[Json]:
    """The volumes and folders that a service may write to; anonymous volumes are not among them."""
    return [
        mount
        for mount in service.get("volumes") or ()
        if mount.get("type") in ("volume", "bind") and mount.get("source") and not mount.get("read_only")
    ]


def data(service: Json) -> list[str]:
    """The sources of the mounts in which a service may keep data that has one writer."""
    return [str(mount["source"]) for mount in writable(service) if not _may_have_two_writers(service, mount)]


def is_filled_again(target: str) -> bool:
    """Whether a folder of a container has nothing that a new container has not, too."""
    return target.rpartition("/")[2] in _FILLED_AGAIN


def _may_have_two_writers(service: Json, mount: Json) -> bool:
    source, target = str(mount["source"]), str(mount.get("target") or "")
    if _OF_THE_HOST.fullmatch(source) or is_filled_again(target):
        return True
    if target == "/var/www/html" and product_name(str(service.get("image") or "")) == "wordpress":
        return True  # its database is MySQL (the image's own documentation)
    name = source.rpartition("/")[2]
    if mount["type"] == "bind" and name not in _STATE_FILES:
        is_setting = name.rpartition(".")[2] in _SETTINGS and "." in name
        if is_setting or name.startswith(".env") or _is_source_code(service.get("build"), source):
            return True
    words = {*_last_words(target), *_last_words(source)}
    return bool(words & _FILES) and not words & _DATA


def _last_words(path: str) -> list[str]:
    return _WORDS.split(path.rstrip("/").rpartition("/")[2].lower())


def _is_source_code(build: Any, source: str) -> bool:
    """Whether a folder is what the service is built from, or a part of it that has no name of data."""
    context = str(build.get("context") or "") if isinstance(build, dict) else ""
    if not context.startswith("/"):
        return False
    inside = source.startswith(f"{context.rstrip('/')}/")
    return source == context or (inside and not _UNLIKE_CODE.intersection(_last_words(source)))
