from __future__ import annotations

from tests.adapters.fake_docker import docker

__all__ = ["docker"]
