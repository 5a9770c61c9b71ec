"""What `import perception_label as pl` offers: few names, all documented."""

import inspect
import re
import subprocess
import sys

import pytest

import perception_label as pl
from conftest import ROOT
from perception_label import schema

NAMES = [name for name in pl.__all__ if name != "__version__"]
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
# What these take and give is no array.
WITHOUT_SHAPES = {"LabelError", "Workspace", "open_workspace"}


def test_the_surface_is_small_and_sorted():
    assert len(pl.__all__) <= 30
    assert sorted(pl.__all__) == list(pl.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_has_a_docstring_with_shapes(name):
    doc = inspect.getdoc(getattr(pl, name)) or ""
    first = doc.partition("\n")[0]
    assert 10 < len(first) < 80
    if name not in WITHOUT_SHAPES:
        assert re.search(r"\([A-Z]\w*,|\(\d, \d\)", doc), f"{name}: no array shape in its docstring"
    if inspect.isfunction(getattr(pl, name)):
        parameters = inspect.signature(getattr(pl, name)).parameters
        assert "Returns" in doc
        assert [p for p in parameters if p not in doc] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_in_the_docs(name):
    assert re.search(rf"^#+ .*`pl\.{name}\b", API, re.MULTILINE), f"docs/api.md: no entry pl.{name}"


def test_the_docs_have_no_name_that_is_gone():
    assert set(re.findall(r"^#+ .*`pl\.(\w+)", API, re.MULTILINE)) == set(NAMES)


def test_the_docs_name_the_columns_of_stored_tables():
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    for table in (schema.CUBOIDS, schema.EGO_POSES, schema.IMAGES, schema.SWEEPS, schema.TRACKS):
        assert [n for n in table.names if f"`{n}`" not in text] == []


def test_importing_the_package_loads_nothing_heavy():
    heavy = ("numba", "open3d", "pyarrow", "dash", "av", "shapely")
    code = f"import sys, perception_label; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_the_page_is_what_the_docstrings_say():
    import runpy

    rendered = runpy.run_path(str(ROOT / "docs" / "render_api.py"))["render"]()
    assert rendered == API, "run python docs/render_api.py"
