"""A PostgreSQL database of each test's own, and runs to publish to it."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from send_ready import database
from send_ready.runs import Run
from send_ready.settings import PROJECT, Settings
from tests.servers import Server, postgres
from warehouse.postgres import publish as publisher

sys.path.append(str(PROJECT / "tests" / "unit"))  # publish_run is a plain module there

import publish_run

__all__ = ["postgres"]


@dataclass
class Target:
    """A database, and the home of the runs that are published to it."""

    server: Server
    name: str
    home: Path
    url: str

    @property
    def settings(self) -> Settings:
        return publish_run.settings(self.home, publish_url=self.url)

    def run(self, name: str, *statements: str, **given: Any) -> Run:
        """A small finished run, its warehouse changed by some statements."""
        run = publish_run.finished_run(self.home, name, **given)
        with database.writer(run.warehouse) as con:
            for statement in statements:
                con.execute(statement)
        return run

    def publish(self, run: Run) -> Run:
        publisher.serve(run, self.settings)
        return run

    def rollback(self) -> str:
        return publisher.rollback(self.settings)

    def read(self, query: str) -> list[tuple[Any, ...]]:
        """As the administrator, who may read all."""
        return [tuple(row) for row in self.server.run(query, self.name)]

    def shown(self) -> set[str]:
        """The runs that all tables of readers tell: one, when all is well."""
        tables = self.read(
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE tableowner = 'send_loader' "
            "AND schemaname NOT LIKE '%_previous' AND schemaname <> 'send_publisher'"
        )
        union = " UNION ".join(f"SELECT run_id FROM {table}" for (table,) in tables)
        return {run_id for (run_id,) in self.read(union)}


@pytest.fixture
def target(postgres: Server, tmp_path: Path) -> Iterator[Target]:
    """Its login is the administrator's, who may make the roles, as on a laptop."""
    name = postgres.database()
    yield Target(postgres, name, tmp_path, postgres.url(name))


def note(run: Run) -> str:
    """What the newest step of the run said."""
    return str(json.loads(run.progress.read_text().splitlines()[-1])["note"])
