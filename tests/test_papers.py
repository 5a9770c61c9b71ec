"""The project's papers agree with its tools."""

import re

from conftest import ROOT
from perception_label.cli import VERBS

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_pre_commit_runs_the_tools_of_make_check():
    recipe = MAKEFILE.partition("\ncheck:")[2].partition("\n\n")[0]
    checks = re.findall(r"\$\(BIN\)/([\w-]+)(?: (format|check))?", recipe)
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    entries = re.findall(r"entry: .*?\.venv/bin/([\w-]+)(?: (format|check))?", hooks)
    assert sorted(checks) == sorted(entries)


def test_every_make_target_contributing_names_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`", text)) <= targets


def test_links_between_papers_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_decisions_are_numbered_without_gaps():
    names = sorted(p.name for p in (ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert [int(name[:4]) for name in names] == list(range(len(names)))


def test_every_verb_is_documented():
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    missing = [v for v in VERBS if f"| `{v.replace('_', '-')}" not in text]
    assert missing == []
