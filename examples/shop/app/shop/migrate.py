"""Brings the database up to date: applies the numbered files of `migrations` that it does not have yet."""

from pathlib import Path

import psycopg

from shop.settings import DATABASE_URL, RELEASE

MIGRATIONS = Path(__file__).parents[1] / "migrations"
LOCK = 5409  # any number, the same for all


def main() -> None:
    """Apply each missing file in a transaction, and record it."""
    with psycopg.connect(DATABASE_URL, autocommit=True) as db:
        # One at a time; the lock ends with the connection.
        db.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        db.execute("CREATE TABLE IF NOT EXISTS migrations (version int PRIMARY KEY, release text NOT NULL)")
        applied = {version for (version,) in db.execute("SELECT version FROM migrations")}
        for file in sorted(MIGRATIONS.glob("*.sql")):
            version = int(file.stem.partition("_")[0])
            if version in applied:
                continue
            with db.transaction():
                db.execute(file.read_bytes())
                db.execute("INSERT INTO migrations (version, release) VALUES (%s, %s)", (version, RELEASE))
            print(f"{file.name} is applied")
        print("the database is up to date")


if __name__ == "__main__":
    main()
