"""The tools of the comparison, in the order of its tables."""

from __future__ import annotations

from typing import Final

from bench.swarm import Swarm
from bench.tools import (
    ByLabels,
    Hitless,
    Tool,
    recreate,
    rolling,
    rolling_drained,
    stop_start,
    two_projects,
)

TOOLS: Final[tuple[Tool, ...]] = (
    ByLabels("recreate", "docker compose up -d", ("docker compose -p app up -d",), roll=recreate),
    ByLabels(
        "article",
        "blue/green script",
        ("docker compose -p blue up -d", "sleep 5", "docker compose -p green stop"),
        roll=two_projects,
        overlays=("compose.retry.yaml", "compose.nohealth.yaml"),
        projects=("blue", "green"),
    ),
    ByLabels(
        "article-health",
        "blue/green script, Docker health checks",
        ("docker compose -p blue up -d", "sleep 5", "docker compose -p green stop"),
        roll=two_projects,
        overlays=("compose.retry.yaml",),
        projects=("blue", "green"),
    ),
    ByLabels(
        "rolling",
        "rolling: scale to 2, stop the old one",
        ("for each service:", "docker compose up -d --no-recreate --scale web=2 web", "docker stop OLD"),
        roll=rolling,
    ),
    ByLabels(
        "rolling-drained",
        "rolling, with a drain hook",
        (
            "for each service:",
            "docker compose up -d --no-recreate --scale web=2 web",
            "docker exec OLD touch /tmp/drain",
            "sleep 10",
            "docker stop OLD",
        ),
        roll=rolling_drained,
    ),
    Swarm(),
    Hitless(),
)

ALONE: Final[tuple[Tool, ...]] = (
    ByLabels("recreate", "docker compose up -d", ("docker compose -p app up -d",), roll=recreate),
    ByLabels(
        "stop-start",
        "stop, then start",
        ("docker compose -p app stop", "docker compose -p app up -d"),
        roll=stop_start,
    ),
    Hitless(
        commands=("hitless -f compose.yaml -f compose.alone.yaml deploy",),
        boot="1",
        files=("compose.yaml", "compose.alone.yaml"),
    ),
)
"""Those for an application that must not run twice: no tool starts the new copy beside the old one."""
