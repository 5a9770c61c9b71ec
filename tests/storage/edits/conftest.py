"""Edit logs to test with: in a file, and in a PostgreSQL server of this test run's own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path

import pytest

from edit_logs import open_log

TOOLS = ("initdb", "pg_ctl")


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request, tmp_path):
    """An empty edit log of 100 sweeps, in each kind of database."""
    url = request.getfixturevalue("new_url")() if request.param == "postgresql" else None
    made = open_log(tmp_path, place=url)
    yield made
    made.close()


@pytest.fixture(scope="session")
def new_url():
    """Return a function that makes an empty PostgreSQL database and returns its URL."""
    pytest.importorskip("psycopg", reason="needs psycopg, the extra postgres")
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        pytest.skip(f"needs a PostgreSQL server: {', '.join(missing)} not found")
    # Sockets have short paths, and the server's user must get there.
    with tempfile.TemporaryDirectory(prefix="pl-pg-") as folder:
        os.chmod(folder, 0o777)
        _as_user(["initdb", "-D", f"{folder}/data", "-U", "label", "-A", "trust", "--no-sync"])
        options = f"-c listen_addresses='' -k {folder} -c fsync=off"
        start = ["pg_ctl", "-D", f"{folder}/data", "-o", options, "-l", f"{folder}/out", "-w"]
        _as_user([*start, "start"])
        numbers = count()

        def new():
            import psycopg

            name = f"labels{next(numbers)}"
            admin = f"host={folder} user=label dbname=postgres"
            with psycopg.connect(admin, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            return f"postgresql://label@/{name}?host={folder}"

        try:
            yield new
        finally:
            _as_user(["pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop"])


def _as_user(command):
    """Run a command, as another user if this one is root: PostgreSQL refuses root."""
    who = None
    if os.geteuid() == 0:
        try:
            who = pwd.getpwnam("postgres").pw_name
        except KeyError:
            pytest.skip("needs a user `postgres` to start PostgreSQL from root")
    done = subprocess.run(
        command, user=who, cwd="/", capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        pytest.skip(f"PostgreSQL does not start here: {done.stderr.strip().splitlines()[-1:]}")


@pytest.fixture
def file_log(tmp_path):
    """An empty edit log in a file."""
    made = open_log(Path(tmp_path))
    yield made
    made.close()
