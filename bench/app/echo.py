"""A gRPC service of two methods on bytes: Unary returns a message, Stream returns it again and again.

Environment: RELEASE (the metadata x-release of every answer), BOOT_SECONDS and ABRUPT as in web.py.
"""

import asyncio
import os
import signal
from pathlib import Path

import grpc

RELEASE = (("x-release", os.environ.get("RELEASE", "dev")),)
READY = Path("/tmp/ready")
TICK = 0.25
MESSAGES = 20
GRACE = (
    None if os.environ.get("ABRUPT") else 25.0
)  # seconds for calls in flight: below the stop_grace_period of the Compose file


async def unary(request, context):
    """The message, back."""
    await context.send_initial_metadata(RELEASE)
    return request


async def stream(request, context):
    """The message with a number, every quarter of a second for 5 s."""
    await context.send_initial_metadata(RELEASE)
    for number in range(1, MESSAGES + 1):
        yield request + b" %d" % number
        await asyncio.sleep(TICK)


async def health(request, context):
    """SERVING, as in grpc.health.v1, for any service."""
    return b"\x08\x01"


async def main():
    """Listen on port 9000 until SIGTERM; then take no new calls, and finish those in flight."""
    await asyncio.sleep(float(os.environ.get("BOOT_SECONDS", "0")))
    server = grpc.aio.server()
    methods = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Stream": grpc.unary_stream_rpc_method_handler(stream),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", methods),))
    check = {"Check": grpc.unary_unary_rpc_method_handler(health)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", check),))
    server.add_insecure_port("0.0.0.0:9000")
    await server.start()
    READY.touch()
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()
    await server.stop(GRACE)


asyncio.run(main())
