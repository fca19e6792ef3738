"""How long a delivery takes to be in force, with the gateway's own certificate and without one.

    python -m bench.delivery [ROUNDS]

It has its own gateway. Each round has 25 deliveries without a default certificate, as Traefik is by itself
(it makes a new RSA key at every reload then), and 25 with the gateway's own; between two of them the gateway
rests. In milliseconds: from the call to the end of `deliver`, when the file is in place, and from there to
the marker's answer.
"""

from __future__ import annotations

import statistics
import sys
import time

from bench.host import free_port, run
from hitless.cli.console import ignore
from hitless.domain.common.names import Colour
from hitless.domain.routing.model import Router
from hitless.domain.routing.split import BackendRouting, ColourRouting, Routing, Server, all_to
from hitless.ports.balancer import Balancer
from hitless.wiring import host

GATEWAY = "hitless-bench-delivery"
DELIVERIES = 25
REST = 0.3  # seconds: longer than the throttle after a reload
DEADLINE = 15.0
PART = ColourRouting(
    1,
    (Router("web", "web", "Host(`bench.localhost`)", "web"),),
    {},
    {"web": BackendRouting((Server("http://nobody:8000"),))},
)
CERTIFICATE = "/run/hitless/routes/.certificate.yml"
ARMS = {
    "without": f"mv {CERTIFICATE} /run/hitless/held/certificate",
    "with its own": f"mv /run/hitless/held/certificate {CERTIFICATE}",
}


def main(rounds: int) -> None:
    """Measure, print, and remove what was made."""
    hitless = (sys.executable, "-m", "hitless", "--gateway", GATEWAY, "gateway")
    run(*hitless, "up", "--http-port", str(free_port()), "--bind", "127.0.0.1")
    try:
        balancer = host(None, GATEWAY).ports(ignore).balancer
        found: dict[str, list[tuple[float, float]]] = {arm: [] for arm in ARMS}
        generation = 0
        for _ in range(rounds):
            for arm, script in ARMS.items():
                run("docker", "exec", f"{GATEWAY}-traefik-1", "sh", "-c", script)
                for number in range(DELIVERIES + 1):
                    time.sleep(REST)
                    generation += 1
                    times = delivered(
                        balancer, Routing("bench", generation, all_to(Colour.BLUE), {Colour.BLUE: PART})
                    )
                    if number:  # the first one may meet the reload that the certificate causes
                        found[arm].append(times)
    finally:
        run(*hitless, "down", "--volumes", "--force")
    print(f"{rounds} rounds of {DELIVERIES} deliveries each, ms: median, 9 of 10, at most")
    for arm, each in found.items():
        for what, column in (("file in place", 0), ("in force after that", 1)):
            ordered = sorted(row[column] * 1000 for row in each)
            most = ordered[len(ordered) * 9 // 10]
            print(f"{arm:14} {what:22} {statistics.median(ordered):7.1f} {most:7.1f} {ordered[-1]:7.1f}")


def delivered(balancer: Balancer, routing: Routing) -> tuple[float, float]:
    """The seconds until the file is in place, and from there until it is in force."""
    began = time.perf_counter()
    balancer.deliver(routing.application, routing)
    placed = time.perf_counter()
    while not balancer.in_force(routing.application, routing):
        if time.perf_counter() > placed + DEADLINE:
            raise SystemExit(f"generation {routing.generation} was not in force within {DEADLINE:.0f} s")
    return placed - began, time.perf_counter() - placed


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 2)
