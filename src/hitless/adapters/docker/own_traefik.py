"""Read the Traefik that somebody runs himself: from its Compose files, or from its own file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from hitless.adapters.docker import compose_yaml
from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.compose_file import resolve
from hitless.adapters.docker.compose_files import ComposeOptions
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.gateway import own_traefik
from hitless.domain.gateway.own_traefik import OwnTraefik

_COMPOSE = re.compile(rb"^(services|\"services\"|'services')\s*:", re.MULTILINE)
_DYNAMIC = {"http", "tcp", "udp", "tls"}  # what a file for Traefik's file provider has
_MOST = 2**20  # bytes
_SECRETS = "/run/secrets"
_FILE = "_FILE"


def read(
    cli: DockerCli, files: Sequence[str], options: ComposeOptions
) -> tuple[OwnTraefik | None, tuple[Finding, ...]]:
    """The Traefik that these files describe, and what is wrong with them; None if it can't be known.

    They are Compose files, its own file, or both: then the Compose files tell its ports and its environment.
    `options` are Compose's, whose files are not looked at. Raises `HitlessError` with Compose's own words.
    """
    compose: list[str] = []
    own: dict[str, bytes] = {}
    findings: list[Finding] = []
    for file in files:
        try:
            content = _content(Path(file))
        except OSError as error:
            findings.append(Finding(file, f"can't be read: {error.strerror or error}"))
            continue
        if not file.endswith(".toml") and _COMPOSE.search(content):
            compose.append(file)
        else:
            own[file] = content
    if len(own) > 1:
        findings.append(Finding(", ".join(own), "Traefik reads one file with its settings", "name that one"))
    of_file: dict[str, str] | None = None
    for file, content in own.items():
        of_file, found = _settings(file, content)
        findings += found
    if findings:
        return None, tuple(findings)
    if not compose:
        return OwnTraefik(of_file or {}), ()
    model, _ = resolve(cli, replace(options, files=tuple(compose), profiles=("*",)))
    services = own_traefik.services_of(model)
    where = ", ".join(compose)
    if len(services) != 1:
        said = (
            f"several services run Traefik: {', '.join(services)}" if services else "no service runs Traefik"
        )
        hint = "give files in which one does: its image is traefik"
        return None, (Finding(where, said, hint),)
    ((name, service),) = services.items()
    path = f"services.{name}"
    if of_file is None:
        of_file, findings = _of_mounts(path, model, service)
        if findings:
            return None, tuple(findings)
    read = own_traefik.of_service(service, of_file)
    if not read.settings:
        said = "has no command, no file and no variables of Traefik"
        return None, (Finding(path, said, "pass its traefik.yml to --like, too"),)
    return replace(read, variables=_with_secrets(model, service, read.variables or {})), ()


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_MOST + 1)
    if len(content) > _MOST:
        raise OSError(f"it has more than {_MOST >> 20} MiB")
    return content


def _settings(file: str, content: bytes) -> tuple[dict[str, str] | None, list[Finding]]:
    """The settings in a file of YAML or TOML, and what is wrong with it."""
    try:
        document: Any = (
            tomllib.loads(content.decode()) if file.endswith(".toml") else compose_yaml.load(content)
        )
        found = own_traefik.settings_of(document) if isinstance(document, Mapping) else {}
    except (ValueError, compose_yaml.YAMLError) as error:
        said = f"can't be read: {' '.join(str(error).split())}"
        return None, [Finding(file, said, "it must be YAML, or TOML if its name ends so")]
    except RecursionError:
        return None, [Finding(file, "can't be read: something in it holds itself")]
    if not found:
        return None, [
            Finding(file, "has no settings of Traefik", "give its traefik.yml, or its Compose file")
        ]
    if set(document) <= _DYNAMIC:
        said = "is for Traefik's file provider: it has no entry points"
        return None, [Finding(file, said, "its middlewares: hitless gateway config add FILE")]
    return found, []


def _of_mounts(path: str, model: Json, service: Json) -> tuple[dict[str, str] | None, list[Finding]]:
    """The settings in the file that a container of Traefik mounts; None if it has no such file."""
    for place in own_traefik.files_of(service):
        for source, is_exact in _sources(model, service, place):
            ending = PurePosixPath(place).suffix
            if isinstance(source, bytes):
                return _settings(f"{path}.configs{ending}", source)
            try:
                return _settings(str(source), _content(source))
            except OSError as error:
                if is_exact:
                    said = f"its settings are in {source}, which can't be read: {error.strerror or error}"
                    return None, [Finding(path, said, "pass that file to --like, too")]
    return None, []


def _with_secrets(model: Json, service: Json, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables; in place of one that names a file (`NAME_FILE`, as lego has it) what the file holds.

    Where the file is not here, or several lines long, the variable stays as it is.
    """
    found = dict(variables)
    for name, place in variables.items():
        # AWS's own has no variable for the content
        if not name.endswith(_FILE) or name.startswith("AWS_"):
            continue
        for source, _ in _sources(model, service, place):
            try:
                content = (source if isinstance(source, bytes) else _content(source)).decode()
            except (OSError, ValueError):
                continue
            if content.strip() and "\n" not in content.rstrip("\n"):
                found[name.removesuffix(_FILE)] = content.rstrip("\n")
                found.pop(name, None)
    return found


def _sources(model: Json, service: Json, place: str) -> Iterator[tuple[Path | bytes, bool]]:
    """What is at a place in a container: a file here or a text, and whether exactly this is mounted."""
    for mount in service.get("volumes") or ():
        target, wanted = PurePosixPath(str(mount.get("target"))), PurePosixPath(place)
        if mount.get("type") == "bind" and wanted.is_relative_to(target):
            yield Path(str(mount["source"])) / wanted.relative_to(target), target == wanted
    for kind, one, folder in (
        *(("configs", one, "/") for one in service.get("configs") or ()),
        *(("secrets", one, _SECRETS) for one in service.get("secrets") or ()),
    ):
        if PurePosixPath(place) == PurePosixPath(folder, one.get("target") or one["source"]):
            defined = (model.get(kind) or {}).get(one["source"]) or {}
            if "content" in defined:
                yield str(defined["content"]).replace("$$", "$").encode(), True
            elif "file" in defined:
                yield Path(str(defined["file"])), True
