import io
import json

import pytest

from perception_label.cli import main


def test_people_are_added_listed_and_removed(town_workspace, tmp_path, monkeypatch, capsys):
    import shutil

    folder = shutil.copytree(town_workspace.path, tmp_path / "ws")
    monkeypatch.setattr("sys.stdin", io.StringIO("a long password\n"))
    assert main(["people", "add", str(folder), "ann", "--role", "reviewer"]) == 0
    assert main(["people", "token", str(folder), "ann", "--scope", "edit"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[1].startswith("plt_")
    assert main(["people", "list", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["people"] == {"ann": "reviewer"}
    assert [t["owner"] for t in found["tokens"].values()] == ["ann"]
    assert main(["people", "remove", str(folder), "ann"]) == 0
    assert main(["people", "remove", str(folder), "ann"]) == 1
    assert main(["people", "revoke", str(folder), "x"]) == 1


@pytest.mark.parametrize("said", ["short\n", ""])
def test_short_passwords_are_refused(town_workspace, tmp_path, monkeypatch, capsys, said):
    import shutil

    folder = shutil.copytree(town_workspace.path, tmp_path / "ws")
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    assert main(["people", "add", str(folder), "ann"]) == 1
    assert "expected at least 8 characters" in capsys.readouterr().err
