from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.fake_docker import docker

__all__ = ["docker"]


@pytest.fixture(autouse=True, scope="session")
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every process that these tests start finds hitless compiled, wherever the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("compiled")))
        yield
