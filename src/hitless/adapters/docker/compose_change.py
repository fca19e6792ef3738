"""A change of the user's Compose file: which file it is, what Compose makes of it, and the write."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path
from typing import Any

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.compose_edit import EditFailed, say
from hitless.adapters.docker.compose_file import resolve
from hitless.adapters.docker.compose_files import ComposeOptions, base, named, override
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import X_HITLESS
from hitless.domain.questions.model import extension, with_said

_NEW_OVERRIDE = "compose.override.yaml"
_MANY = 1_000_000  # characters: nobody writes such a file by hand


@dataclass(frozen=True)
class ComposeChange:
    """A file with new text, which Compose has read already. `before` is None for a file that is not there."""

    path: Path
    before: bytes | None
    after: bytes

    def diff(self) -> str:
        """What changes, line by line; one line around each change, as a file may hold secrets."""
        before, after = ((text or b"").decode().splitlines() for text in (self.before, self.after))
        return "\n".join(unified_diff(before, after, str(self.path), str(self.path), n=1, lineterm=""))

    def write(self) -> None:
        """Put it in place in one instant. Raises `HitlessError` if somebody else changed the file."""
        if _read(self.path) != self.before:
            raise HitlessError(
                f"{self.path} has changed since hitless read it: nothing was written",
                "run hitless init again",
            )
        with _beside(self.path, self.after) as new:
            if self.before is not None:
                found = self.path.stat()
                new.chmod(stat.S_IMODE(found.st_mode))
                if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
                    shutil.chown(new, found.st_uid, found.st_gid)
            else:
                umask = os.umask(0)
                os.umask(umask)
                new.chmod(0o666 & ~umask)
            new.replace(self.path)


def change(
    cli: DockerCli, options: ComposeOptions, model: Json, said: Mapping[str, Json], is_in_place: bool
) -> ComposeChange:
    """The change that says this in the Compose file of these options: service -> keys of `x-hitless`.

    `model` is what Compose makes of the file today. After the change Compose makes the same of it, except for
    what is said. Raises `HitlessError` otherwise, and if a file can't be read or written.
    """
    files, path = _files(options, is_in_place)
    # as Compose has it; the file that is tried may be beside another one, where a link leads
    folder = options.project_directory or str(Path(files[0]).absolute().parent)
    options = replace(options, project_directory=folder)
    before = _read(path)
    text = _text(path, before)
    answers, wanted = said, _extensions(with_said(model, said))
    for _ in range(2):
        text = _edited(path, text, said)
        found = _resolved(cli, options, files, path, text)
        if _without(found) != _without(model):
            break
        there = _extensions(found)
        # Compose takes an override's whole extension, and a merge key hands one on to other services
        said = {name: wanted[name] for name in wanted if wanted[name] != there[name]}
        if not said:
            return ComposeChange(path, before, text.encode())
    raise HitlessError(
        f"{path}: Compose would read more of a change here than what was answered; nothing was written",
        "write it yourself: "
        + "; ".join(f"{name}: {X_HITLESS}: {_shown(keys)}" for name, keys in answers.items()),
    )


def _files(options: ComposeOptions, is_in_place: bool) -> tuple[tuple[str, ...], Path]:
    """The files that Compose reads, in its order, and the one to write to."""
    if "-" in options.files:
        raise HitlessError("the Compose file comes from standard input: nothing can be written there")
    if files := named(options):
        return files, Path(files[-1]).resolve()
    folder = Path(options.project_directory or ".").resolve()
    found = base(folder)
    if found is None:
        raise HitlessError(f"there is no Compose file in {folder}", "give one with -f FILE")
    beside = override(found) or found.parent / _NEW_OVERRIDE
    return (str(found), str(beside)), (found if is_in_place else beside).resolve()


def _read(path: Path) -> bytes | None:
    """The content of a file; None if there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HitlessError(f"{path} can't be read: {error.strerror}", "give another file with -f") from error


def _text(path: Path, content: bytes | None) -> str:
    """The text of a file that hitless may change."""
    if content is not None and not os.access(path, os.W_OK):
        raise HitlessError(f"{path} is not for you to write: nothing was changed", f"chmod u+w {path}")
    try:
        text = (content or b"").decode()
    except UnicodeDecodeError as error:
        raise HitlessError(f"{path} is not in UTF-8: nothing was changed", "save it as UTF-8") from error
    if len(text) > _MANY:
        raise HitlessError(f"{path} is too large to be changed", "write the answers yourself")
    return text


def _edited(path: Path, text: str, said: Mapping[str, Json]) -> str:
    try:
        return say(text, said, X_HITLESS)
    except EditFailed as error:
        raise HitlessError(
            f"{path} {error}; nothing was written",
            "without --in-place the answers go to an override file; or name another file last with -f",
        ) from error


def _resolved(cli: DockerCli, options: ComposeOptions, files: tuple[str, ...], path: Path, text: str) -> Json:
    """What Compose makes of the files, if the one at `path` has this text."""
    with _beside(path, text.encode()) as new:
        tried = tuple(str(new) if Path(file).resolve() == path else file for file in files)
        there = tuple(file for file in tried if Path(file).exists())
        try:
            return resolve(cli, replace(options, files=there))[0]
        except DockerFailed as error:
            said = error.output.replace(str(new), str(path))
            raise HitlessError(
                f"Compose can't read {path} with the answers in it; nothing was written: {said}",
                "write the answers yourself: see docs/configuration.md",
            ) from error


@contextmanager
def _beside(path: Path, content: bytes) -> Iterator[Path]:
    """A file with this content in the same folder, and so on the same disk; removed if it is still there."""
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise HitlessError(f"{path} can't be written: {error.strerror}", "may you write there?") from error


def _extensions(model: Json) -> dict[str, Any]:
    """The `x-hitless` of each service: service -> its keys."""
    return {name: extension(service) for name, service in model["services"].items()}


def _without(model: Json) -> Json:
    """The model without the services' `x-hitless`, and without what only anchors are for."""
    services = {
        name: {key: value for key, value in service.items() if key != X_HITLESS}
        for name, service in model["services"].items()
    }
    own = {key: value for key, value in model.items() if key == X_HITLESS or not key.startswith("x-")}
    return {**own, "services": services}


def _shown(keys: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"
