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
