"""docs/reference/compose.md, made from a table here. `python -m tests.reference.compose` writes it.

Its tests compare the table with the list of keys of the Compose specification, and with what the code does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

# dev/compose-keys writes it
KEYS = tuple(Path(__file__).with_name("compose-keys.txt").read_text(encoding="utf-8").split())
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "compose.md"


class Does(StrEnum):
    """What hitless does with a key."""

    TAKES = "as written"
    RESOLVED = "resolved"
    CHANGES = "changed"
    IGNORES = "ignored"
    WARNS = "warning"
    REFUSES = "refused"


@dataclass(frozen=True)
class Row:
    """What hitless does with some keys, and with all keys below them that have no row of their own."""

    keys: str
    does: Does
    text: str = ""


_BOTH = "also by Compose"
ROWS = (
    Row(
        "name",
        Does.TAKES,
        "the application's name; its colours are the projects `<name>-blue`, `<name>-green`",
    ),
    Row("version", Does.IGNORES, _BOTH),
    Row("include", Does.RESOLVED),
    Row("models", Does.IGNORES, "a service that uses one is refused"),
    Row(
        "services.annotations services.blkio_config services.cap_add services.cap_drop services.cgroup "
        "services.cgroup_parent services.command services.configs services.cpu_count services.cpu_percent "
        "services.cpu_period services.cpu_quota services.cpu_rt_period services.cpu_rt_runtime "
        "services.cpu_shares services.cpus services.cpuset services.credential_spec "
        "services.device_cgroup_rules services.devices services.dns services.dns_opt services.dns_search "
        "services.domainname services.entrypoint services.environment services.expose services.extra_hosts "
        "services.gpus services.group_add services.healthcheck services.init services.isolation "
        "services.logging services.mem_limit services.mem_reservation services.mem_swappiness "
        "services.memswap_limit services.oom_kill_disable services.oom_score_adj services.pids_limit "
        "services.privileged services.read_only services.runtime services.secrets services.security_opt "
        "services.shm_size services.stdin_open services.stop_grace_period services.stop_signal "
        "services.storage_opt services.sysctls services.tmpfs services.tty services.ulimits services.user "
        "services.userns_mode services.uts services.working_dir services.platform services.scale",
        Does.TAKES,
    ),
    Row("services.extends services.env_file services.label_file services.profiles", Does.RESOLVED),
    Row("services.attach services.develop", Does.IGNORES, "only `docker compose up` and `watch` use it"),
    Row("services.build", Does.TAKES, "each release has an image of its own; `secrets` and `ssh` work, too"),
    Row("services.build.tags", Does.TAKES, "beside the image of the release"),
    Row(
        "services.image",
        Does.CHANGES,
        "a release keeps it under a name of its own: `hitless:shop.r7.web`",
    ),
    Row(
        "services.pull_policy services.pull_refresh_after",
        Does.CHANGES,
        "`always`, `never`, or else only an image that is missing is pulled: also with `daily`, `weekly` and "
        "`every_…`. `deploy --pull` decides for all services. Containers use the release's own image",
    ),
    Row(
        "services.container_name services.hostname",
        Does.WARNS,
        "both releases can't have it: it becomes another host name within the release",
    ),
    Row("services.depends_on", Does.CHANGES, "within a release, or among shared services; those start first"),
    Row("services.deploy.replicas services.deploy.resources", Does.TAKES),
    Row("services.deploy.labels", Does.TAKES, "Traefik's labels count, the service's own labels before them"),
    Row("services.deploy.restart_policy services.restart", Does.CHANGES, "in force from the cutover on"),
    Row("services.deploy.mode", Does.WARNS, "ignored unless `replicated`: it is for a Swarm"),
    Row("services.deploy.placement", Does.WARNS, "ignored: it is for a Swarm"),
    Row(
        "services.deploy services.deploy.endpoint_mode services.deploy.rollback_config "
        "services.deploy.update_config",
        Does.IGNORES,
        _BOTH + ": it is for a Swarm",
    ),
    Row(
        "services.external_links",
        Does.REFUSES,
        "containers of others are not on a release's networks",
    ),
    Row(
        "services.labels",
        Does.CHANGES,
        "Traefik's become the routing ([labels.md](../labels.md)), others stay; hitless adds its own",
    ),
    Row("services.links", Does.TAKES, "refused if it gives a shared service another name"),
    Row("services.mac_address", Does.REFUSES, "two releases run side by side"),
    Row("services.models services.provider", Does.REFUSES, "a release can't keep what they made"),
    Row(
        "services.network_mode",
        Does.TAKES,
        "`service:` of the same release or of another shared service, `container:` of no release, `none`, "
        "`bridge`. Refused: `host` in a release, any mode for a service with a route, names of networks",
    ),
    Row("services.ipc services.pid", Does.TAKES, "`service:` and `container:` as with `network_mode`"),
    Row("services.volumes_from", Does.TAKES, "services and containers as with `network_mode`"),
    Row(
        "services.networks",
        Does.CHANGES,
        "networks of the file exist once for each colour; on external ones a release has no service names",
    ),
    Row(
        "services.networks.ipv4_address services.networks.ipv6_address services.networks.link_local_ips "
        "services.networks.mac_address",
        Does.REFUSES,
        "two releases run side by side; a shared service keeps it",
    ),
    Row(
        "services.ports",
        Does.CHANGES,
        "the gateway publishes them ([configuration.md](../configuration.md)), but no range that leaves a "
        "choice (`8000-8010:80`); a shared service publishes them itself",
    ),
    Row(
        "services.post_start",
        Does.WARNS,
        "Compose 2.30 and newer runs it when a deployment starts the container; nobody does when the engine "
        "starts it again",
    ),
    Row("services.pre_start", Does.REFUSES, "not supported yet"),
    Row("services.pre_stop", Does.REFUSES, "not supported yet, except in a shared service"),
    Row(
        "services.use_api_socket",
        Does.REFUSES,
        "it hands over the registry passwords of the deploying machine",
    ),
    Row(
        "services.volumes",
        Does.TAKES,
        "refused if two copies would write to it, and the file does not say that they may",
    ),
    Row(
        "networks.attachable networks.driver networks.driver_opts networks.internal networks",
        Does.TAKES,
    ),
    Row("networks.enable_ipv4", Does.REFUSES, "if it is false: the gateway speaks IPv4 to the containers"),
    Row("networks.enable_ipv6", Does.TAKES, "refused beside a subnet"),
    Row("networks.external", Does.TAKES, "hitless connects a release to it under the containers' own names"),
    Row(
        "networks.ipam",
        Does.CHANGES,
        "hitless chooses a colour's addresses; a subnet is for shared services",
    ),
    Row("networks.labels", Does.TAKES, "hitless adds its own"),
    Row(
        "networks.name",
        Does.CHANGES,
        "the name for shared services; a colour's network has the colour's name",
    ),
    Row("volumes", Does.TAKES, "both colours and the shared services mount the same volume"),
    Row(
        "secrets.file configs.file",
        Does.TAKES,
        "the file is mounted from the host: a rollback sees it as it is then",
    ),
    Row(
        "secrets.environment configs.environment",
        Does.TAKES,
        "the release keeps the value ([decision 38](../decisions/0038-values-from-the-environment.md)); "
        "refused if the variable is not set, or the service is `read_only`",
    ),
    Row("configs.content", Does.TAKES, "refused if the service is `read_only`"),
    Row("secrets.external configs.external", Does.REFUSES, "if a service uses it: only a Swarm has those"),
    Row(
        "secrets.labels secrets.driver secrets.driver_opts secrets.template_driver secrets.name "
        "configs.labels configs.name configs.template_driver",
        Does.IGNORES,
        _BOTH + ": it is for a Swarm",
    ),
    Row("services secrets configs", Does.TAKES),
)

_TEXT = """# The keys of a Compose file

This is what hitless does with every key of the Compose specification (compose-go v2.13.0). `make docs` writes
the page, and tests compare it with the specification's list and with the code. A row also counts for the keys
below it, unless they have rows of their own.

| | |
| --- | --- |
| as written | the key means what it means to `docker compose up` |
| resolved | Compose works it out before hitless reads the file, as your version of Compose does |
| changed | the key has another effect in a release; a shared service has it as written |
| ignored | the key changes nothing |
| warning | `hitless plan` warns of it, and `--strict` refuses it |
| refused | `hitless plan` and `deploy` refuse it, and say what to do |

If your Compose does not know a key, it refuses the file itself. `x-hitless` is in
[configuration.md](../configuration.md). Other `x-` keys are ignored. [services.md](../services.md) says which
services belong to a release, and which are shared.

A service in a profile is part of the file only while the profile is enabled, with `--profile` or
`COMPOSE_PROFILES`, as in Compose. So name the same profiles with each command. A service of a release that is
not enabled is not in the next release. A shared service that is not enabled keeps running, and `hitless plan`
warns of it.

{sections}
"""
_SECTIONS = {
    "The file": ("name", "version", "include", "models"),
    "Services": ("services",),
    "Networks and volumes": ("networks", "volumes"),
    "Secrets and configs": ("secrets", "configs"),
}


def row_of(key: str) -> Row:
    """The row that counts for a key: its own, or that of the nearest key above it. Raises `KeyError`."""
    rows = {one: row for row in ROWS for one in row.keys.split()}
    while key not in rows and "." in key:
        key = key.rpartition(".")[0]
    return rows[key]


def page() -> str:
    """The whole page."""
    rows = sorted((key, row) for row in ROWS for key in row.keys.split())
    parts = []
    for title, tops in _SECTIONS.items():
        shown = [f"| `{key}` | {row.does} | {row.text} |" for key, row in rows if key.split(".")[0] in tops]
        parts.append("\n".join((f"## {title}\n", "| key | hitless | |", "| --- | --- | --- |", *shown)))
    return _TEXT.format(sections="\n\n".join(parts))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
