"""Compose's options, and which files, folder and name it takes by its own rules."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

# What Compose looks for in this folder and in those above, in its order: `DefaultFileNames` and
# `DefaultOverrideFileNames` of compose-go
NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    *("compose.override.yml", "compose.override.yaml"),
    *("docker-compose.override.yml", "docker-compose.override.yaml"),
)
_VARIABLES = ("COMPOSE_FILE", "COMPOSE_PATH_SEPARATOR", "COMPOSE_PROJECT_NAME")
_IN_ENV_FILE = re.compile(rf"^\s*(?:export\s+)?({'|'.join(_VARIABLES)})\s*[ \t]*=[ \t]*(.*?)[ \t]*$", re.M)
_NAME = re.compile(r"^(?:name|\"name\"|'name')\s*:\s*(.*?)\s*$", re.M)
_PLAIN = re.compile(r"(?P<quote>[\"']?)(?P<name>[a-z0-9][a-z0-9_-]*)(?P=quote)(?:\s+#.*)?")


@dataclass(frozen=True)
class ComposeOptions:
    """The options that mirror Compose's own; hitless leaves the empty ones to Compose."""

    files: tuple[str, ...] = ()
    project_name: str | None = None
    project_directory: str | None = None
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()

    def argv(self) -> tuple[str, ...]:
        """As arguments of `docker compose`."""
        pairs = [("--file", file) for file in self.files]
        pairs += [("--project-name", self.project_name)] if self.project_name else []
        pairs += [("--project-directory", self.project_directory)] if self.project_directory else []
        pairs += [("--env-file", file) for file in self.env_files]
        pairs += [("--profile", profile) for profile in self.profiles]
        return tuple(word for pair in pairs for word in pair)

    def argv_of_values(self) -> tuple[str, ...]:
        """The same for another file that is to have the same variables."""
        return ComposeOptions(("-",), None, str(directory(self)), self.env_files).argv()


def named(options: ComposeOptions) -> tuple[str, ...]:
    """The files that -f or `COMPOSE_FILE` names; () if Compose looks for them."""
    if options.files:
        return options.files
    found = _variables(options)
    separator = found.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    return tuple(name for name in found.get("COMPOSE_FILE", "").split(separator) if name)


def base(folder: Path) -> Path | None:
    """The Compose file of this folder, or of the nearest one above."""
    places = (parent / name for parent in (folder, *folder.parents) for name in NAMES)
    return next((place for place in places if place.is_file()), None)


def override(base_file: Path) -> Path | None:
    """The override that Compose reads after this file, if there is one."""
    places = (base_file.parent / name for name in OVERRIDES)
    return next((place for place in places if place.is_file()), None)


def name_unread(options: ComposeOptions) -> str | None:
    """What the application's name probably is without Compose, for a file that it can't read.

    None if only Compose can tell it, or if a file is not there. It is a guess: good enough to look at
    something, not to change it.
    """
    own = _variables(replace(options, project_directory=str(directory(options)))) | _variables(options)
    if name := own.get("COMPOSE_PROJECT_NAME"):
        plain = _PLAIN.fullmatch(name)
        return plain["name"] if plain else None
    there = files(options)
    if not there or not all(file.is_file() for file in (*there, *map(Path, options.env_files))):
        return None
    try:
        said = [name for file in there for name in _NAME.findall(file.read_text(errors="replace"))]
    except OSError:
        return None
    if said:
        plain = _PLAIN.fullmatch(said[-1])  # the last file counts
        return plain["name"] if plain else None
    # as compose-go makes a name of a folder: `NormalizeProjectName`
    folder = os.path.basename(os.path.normpath(_here() / directory(options))).lower()  # noqa: PTH119 - links stay
    return re.sub(r"[^a-z0-9_-]", "", folder).lstrip("_-") or None


def _here() -> Path:
    """The working folder as Go has it (os.Getwd): by the name under which it was entered, maybe a link."""
    named = Path(os.environ.get("PWD") or ".")
    return named if named.is_absolute() and named.is_dir() and named.samefile(".") else Path.cwd()


def files(options: ComposeOptions) -> tuple[Path, ...]:
    """The files that Compose reads, in its order."""
    if given := named(options):
        return tuple(Path(file) for file in given)
    found = base(Path(options.project_directory or ".").absolute())
    beside = override(found) if found else None
    return tuple(file for file in (found, beside) if file)


def name_variable(options: ComposeOptions) -> bool:
    """Whether COMPOSE_PROJECT_NAME names the application, in the environment or a file of variables."""
    return "COMPOSE_PROJECT_NAME" in _variables(replace(options, project_directory=str(directory(options))))


def directory(options: ComposeOptions) -> Path:
    """The project's folder by Compose's rules: that of its first file."""
    if options.project_directory:
        return Path(options.project_directory)
    if (given := named(options)) and given[0] != "-":
        return Path(given[0]).parent
    here = _here()
    found = base(here)
    return found.parent if found else here


def _variables(options: ComposeOptions) -> dict[str, str]:
    """Compose's own variables, from the environment, and else from the files of variables."""
    found: dict[str, str] = {}
    folder = Path(options.project_directory or ".")
    for name in options.env_files or (str(folder / ".env"),):
        with suppress(OSError):
            for key, value in _IN_ENV_FILE.findall(Path(name).read_text(errors="replace")):
                found[key] = value.strip("\"'")
    return found | {key: os.environ[key] for key in _VARIABLES if key in os.environ}
