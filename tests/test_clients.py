"""The page of clients says what the registries and the acceptance runs say."""

import json
import runpy
import sys

from conftest import ROOT
from perception_label.export import FORMATS

PAGE = runpy.run_path(str(ROOT / "docs" / "render_clients.py"))
RESULTS = json.loads((ROOT / "docs" / "acceptance.json").read_text(encoding="utf-8"))


def known():
    sys.path.insert(0, str(ROOT / "tests" / "acceptance"))
    try:
        return runpy.run_path(str(ROOT / "tests" / "acceptance" / "clients.py"))["CLIENTS"]
    finally:
        sys.path.pop(0)


def test_the_page_is_rendered():
    page = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    assert page == PAGE["render"](RESULTS), "run python docs/render_clients.py"


def test_every_result_is_of_a_client_that_is_asked():
    clients = {client.script: client for client in known()}
    assert RESULTS.keys() <= clients.keys()
    for script, said in RESULTS.items():
        assert said["package"] == clients[script].package
        assert set(said["formats"]) == set(clients[script].formats)


def test_every_client_has_a_script_and_a_format():
    for client in known():
        assert (ROOT / "tests" / "acceptance" / "clients" / f"{client.script}.py").is_file()
        assert set(client.formats) <= set(FORMATS)
