import pytest

from served import Served


@pytest.fixture
def served(town_workspace, tmp_path):
    return Served(town_workspace, tmp_path / "served")
