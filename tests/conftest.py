import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("PERCEPTION_LABEL_DATA", ROOT.parent / "shared" / "data"))

# Derandomised: the same examples on every machine, and no deadline, since machines are shared.
settings.register_profile("repo", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("repo")


@pytest.fixture(scope="session")
def real_data():
    """Return a function from a path below the recordings to the real path, or skip."""

    def find(relative: str) -> Path:
        path = DATA / relative
        if not path.exists():
            pytest.skip(f"real recording {relative} is not under {DATA}")
        return path

    return find


@pytest.fixture(scope="session")
def town():
    """A two-second simulated drive with exact truth, its sweeps held in memory."""
    from towns import held

    return held()


@pytest.fixture(scope="session")
def town_workspace(town, tmp_path_factory):
    """A workspace with `town` and its proposals; only to be read."""
    from perception_label import open_workspace
    from towns import proposals

    workspace = open_workspace(tmp_path_factory.mktemp("town") / "ws", create=True)
    workspace.ingest(town)
    proposals(workspace, workers=1)
    return workspace
