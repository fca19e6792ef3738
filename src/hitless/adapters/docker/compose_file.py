"""The user's Compose file, resolved by Compose itself."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.compose_files import ComposeOptions, directory
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import X_HITLESS

# Compose quotes a value that it can't read, or the rest of a file of variables, at the end of its message
_BEFORE_A_VALUE = re.compile(
    r"(You may need to escape any \$ with another \$\.\s|Invalid template: |unterminated quoted value "
    r"|in variable name near ).*",
    re.S,
)
_LARGEST_PAGE = 64 * 1024  # bytes
_NOT_SHOWN = "(not shown: it may be a secret)"


def resolve(cli: DockerCli, options: ComposeOptions) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """The resolved model, and what Compose warned of. Raises `DockerFailed` with Compose's own words.

    The YAML output is read, because the JSON output drops `x-` keys of services (2.26 and 2.40).
    """
    try:
        output, said = cli.run_bytes("compose", *options.argv(), "config", compose_env=True)
    except DockerFailed as error:
        shown = _BEFORE_A_VALUE.sub(rf"\1{_NOT_SHOWN}", error.output)
        raise DockerFailed(error.command, error.exit_code, shown, error.hint) from None
    # imported here: PyYAML takes 20 ms, and Compose is at work in that time
    from hitless.adapters.docker.compose_values import with_values
    from hitless.adapters.docker.compose_yaml import YAMLError, load

    try:
        model = load(output)
    except (ValueError, YAMLError) as error:
        raise HitlessError(
            f"what `docker compose config` prints can't be read: {' '.join(str(error).split())}",
            "is there a value that is no text, for example one from the environment?",
        ) from error
    if not isinstance(model, dict) or not model.get("services"):
        raise _no_services(cli, options)
    model, unset = with_values(cli, model, options.argv_of_values())
    model = _with_page(model, directory(options))
    return model, (*_warnings(said), *unset)


def _with_page(model: Json, folder: Path) -> dict[str, Any]:
    """The model with the text of the file that its `wait_page` names, so that a release keeps it.

    Raises `HitlessError` if it can't be read.
    """
    said = model.get(X_HITLESS)
    said = said if isinstance(said, Mapping) else {}
    name = said.get("wait_page")
    if not isinstance(name, str):  # what it is instead is told with all that is wrong in the file
        return dict(model)
    path = Path(folder, name.replace("$$", "$"))
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_PAGE + 1).decode()
    except (OSError, ValueError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
        raise HitlessError(
            f"{X_HITLESS}.wait_page: {path} can't be read: {reason}",
            "it is a file with HTML, beside the Compose file",
        ) from error
    if not text.strip() or len(text.encode()) > _LARGEST_PAGE:
        raise HitlessError(
            f"{X_HITLESS}.wait_page: {path} is empty, or larger than {_LARGEST_PAGE // 1024} KiB",
            "take a small page with all that it needs in it: nothing else of the application answers then",
        )
    # as Compose writes a literal $
    return {**model, X_HITLESS: {**said, "wait_page": text.replace("$", "$$")}}


def _no_services(cli: DockerCli, options: ComposeOptions) -> HitlessError:
    """Every service may be in a profile that nobody asked for."""
    said, _ = cli.run_bytes("compose", *options.argv(), "config", "--profiles", compose_env=True)
    if names := sorted(said.decode(errors="replace").split()):
        return HitlessError(
            "every service of the Compose file is in a profile, and none of these is enabled",
            f"enable one with --profile NAME: {', '.join(names)}",
        )
    return HitlessError("the Compose file has no services", "give one with -f FILE")


def revision(directory: str | None) -> str:
    """The source revision that git names for this directory, with `+` if files have changed; or ""."""
    at = ("git", "-C", directory or ".")
    try:
        head = subprocess.run(
            (*at, "rev-parse", "--short=12", "HEAD"), capture_output=True, text=True, check=False
        )
        if head.returncode:
            return ""
        changed = subprocess.run(
            (*at, "status", "--porcelain", "--untracked-files=no"),
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def _warnings(stderr: str) -> list[Finding]:
    """Compose's warnings as findings. It writes `time=… level=warning msg="…"`."""
    found = []
    for line in stderr.splitlines():
        _, separator, message = line.partition("level=warning msg=")
        text = _unquoted(message.strip())
        # an obsolete `version:` or the old form of `external` changes nothing
        harmless = "`version` is obsolete" in text or "external.name" in text
        if separator and text and not harmless:
            found.append(Finding("compose", text, is_error=False))
    return found


def _unquoted(message: str) -> str:
    """Go's quoted text is JSON's except for rare escapes; a text that is no JSON stays as it is."""
    try:
        text = json.loads(message)
    except ValueError:
        return message
    return text if isinstance(text, str) else message
