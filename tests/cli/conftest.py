from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.adapters.fake_docker import docker

__all__ = ["docker"]


@pytest.fixture(autouse=True, scope="session")
def in_utc() -> Iterator[None]:
    """Times are shown by the reader's clock; here they are the same everywhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(autouse=True, scope="session")
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every process that these tests start finds hitless compiled, wherever the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("compiled")))
        yield
