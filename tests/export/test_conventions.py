from conftest import ROOT
from perception_label.export import FORMATS
from perception_label.export.conventions import CONVENTIONS, as_markdown


def test_every_format_declares_its_conventions():
    assert CONVENTIONS.keys() == FORMATS.keys()


def test_the_docs_hold_the_table():
    text = (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8")
    assert as_markdown() in text, "docs/conventions.md: paste export.conventions.as_markdown()"
