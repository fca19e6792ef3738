"""What the environment says."""

import os
import socket

RELEASE = os.environ.get("RELEASE", "dev")
# The container's own name: the same after a restart, another in every release.
WORKER = f"{RELEASE}-{socket.gethostname()}"
WORK_SECONDS = float(os.environ.get("WORK_SECONDS", "0.3"))
API_URL = os.environ.get("API_URL", "http://localhost:8001")
DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql://localhost/shop")
REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost")
