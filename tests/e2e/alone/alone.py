"""A web application that must not run twice: it keeps rows in SQLite, and holds a lock on its folder.

It answers like the tiny one. A POST to /rows/KEY adds a row, and GET /rows tells all keys, a line each.

Environment: as of the tiny one; LOST (with anything in it, the start removes the table).
"""

import fcntl
import os
import sqlite3
import sys
import threading
from pathlib import Path

import app

DATA = Path("/data")
writing = threading.Lock()
rows = sqlite3.connect(DATA / "rows.db", check_same_thread=False, isolation_level=None)


class Handler(app.Handler):
    def do_GET(self) -> None:
        if self.path != "/rows":
            super().do_GET()
            return
        with app.counted(), writing:
            keys = [key for (key,) in rows.execute("SELECT key FROM rows")]
            self.answer(200, "".join(f"{key}\n" for key in keys))

    def do_POST(self) -> None:
        key = self.path.removeprefix("/rows/")
        if key == self.path:
            super().do_POST()
            return
        with app.counted(), writing:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            rows.execute("INSERT INTO rows VALUES (?)", (key,))
            self.answer(200, f"{key}\n")


def main() -> None:
    mine = (DATA / "lock").open("a")
    try:
        fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        (DATA / "TWO").touch()
        sys.exit("another copy writes here")
    if os.environ.get("LOST"):
        rows.execute("DROP TABLE IF EXISTS rows")
        sys.exit("the table is gone")
    rows.execute("PRAGMA journal_mode = WAL")
    rows.execute("CREATE TABLE IF NOT EXISTS rows (key TEXT)")
    app.Handler = Handler
    app.main()


if __name__ == "__main__":
    main()
