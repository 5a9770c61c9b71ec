"""What is not Python travels in the wheel too: the page's scripts above all."""

import tomllib
from fnmatch import fnmatch

from conftest import ROOT

PACKAGE = ROOT / "src" / "perception_label"
DATA = (".js", ".css", ".toml", ".yaml", ".npz", ".typed", ".pyi", ".json")


def test_all_that_is_read_at_run_time_is_package_data():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["perception_label"]
    files = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*")
        # The viewer's sources are built into review/assets; a wheel needs no more.
        if path.suffix in DATA or path.name == "py.typed"
        if "viewer" not in path.parts
    ]
    assert {"review/assets/three.js", "review/assets/perception_label.js", "py.typed"} <= set(files)
    assert [name for name in files if not any(fnmatch(name, p) for p in patterns)] == []
