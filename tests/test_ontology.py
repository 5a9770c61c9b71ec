"""The ontology: the shipped file, and what is refused in another."""

import pytest
import yaml

from perception_label.errors import SettingError
from perception_label.ontology import SHIPPED, load_ontology, parse_ontology

OURS = (
    "car, truck, bus, trailer, motorcycle, bicycle, cyclist, pedestrian, "
    "construction_vehicle, other"
)


def test_the_shipped_one_has_our_vocabulary():
    ontology = load_ontology()
    assert ", ".join(ontology.classes) == OURS
    assert ontology.version == "2"
    assert ontology.text == SHIPPED.read_text(encoding="utf-8")
    for rule in ontology.classes.values():
        assert rule.size_m[0] >= rule.size_m[1]
        assert set(rule.geometry) <= set(ontology.geometry)


def test_a_class_or_attribute_that_is_unknown_lists_the_known():
    ontology = load_ontology()
    with pytest.raises(SettingError, match=f"expected one of {OURS}.*got 'van'"):
        ontology.check_class("van")
    with pytest.raises(SettingError, match=r"expected one of occlusion, .*note.*got 'colour'"):
        ontology.check_attribute("colour", "red", "car", per_sweep=False)


@pytest.mark.parametrize(
    ("type", "good", "bad"),
    [
        ("bool", [True, False], [1, "yes", 0.0]),
        ("int", [0, -3], [True, 1.5, "1"]),
        ("float", [1, 1.5], [True, "1", float("nan"), float("inf")]),
        ("text", ["", "x"], [1, True]),
        ("choice", ["a"], ["c", 1, True]),
    ],
)
def test_values_are_of_their_type(type, good, bad):
    values = ", values: [a, b]" if type == "choice" else ""
    text = TEXT + f"attributes:\n  x: {{per: track, type: {type}{values}}}\n"
    ontology = parse_ontology(text)
    for value in (*good, None):
        ontology.check_attribute("x", value, "car", per_sweep=False)
    for value in bad:
        with pytest.raises(SettingError, match="attribute x: expected"):
            ontology.check_attribute("x", value, "car", per_sweep=False)


TEXT = """
version: 7
geometry: [cuboid]
classes:
  car:
    size_m: {usual: [4, 2, 1.5], least: [2, 1, 1], most: [6, 3, 3]}
    max_speed_mps: 50
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("version: 7", "version: 1.10"), "version as a whole number or text"),
        (("version: 7", "version: true"), "version as a whole number or text"),
        (("version: 7\n", ""), "expected keys"),
        (("usual: [4, 2, 1.5]", "usual: [9, 2, 1.5]"), "least <= usual <= most"),
        (("usual: [4, 2, 1.5]", "usual: [0, 2, 1.5]"), "three lengths above 0"),
        (("usual: [4, 2, 1.5]", "usual: [4, 2]"), "three lengths above 0"),
        (("usual", "typical"), "expected keys"),
        (("max_speed_mps: 50", "max_speed_mps: -1"), "max_speed_mps above 0"),
        (("max_speed_mps: 50", "max_speed_mps: .inf"), "max_speed_mps above 0"),
        (
            ("max_speed_mps: 50", "max_speed_mps: 50\n    geometry: [mesh]"),
            "expected geometry from",
        ),
        (("  car:", "  - car:"), "expected keys and values"),
        (("  car:", "\tcar:"), "YAML"),
        (("classes:", "klasses:"), "expected keys"),
    ],
)
def test_a_mistake_in_the_file_is_one_line(change, message, tmp_path):
    path = tmp_path / "ontology.yaml"
    path.write_text(TEXT.replace(*change))
    with pytest.raises(SettingError, match=message) as error:
        load_ontology(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("{per: year, type: bool}", "per track or sweep"),
        ("{per: track, type: colour}", "expected a type of bool, int"),
        ("{per: track, type: choice}", "values for a choice"),
        ("{per: track, type: bool, values: [a]}", "values for a choice"),
        ("{per: track, type: choice, values: [on, off]}", "expected a list of texts"),
        ("{per: track, type: bool, classes: [tank]}", "expected classes from"),
        ("{per: track, type: bool, unit: m}", "expected keys"),
        ("true", "expected keys and values"),
    ],
)
def test_a_mistake_in_an_attribute_is_one_line(attribute, message):
    with pytest.raises(SettingError, match=message):
        parse_ontology(TEXT + f"attributes:\n  x: {attribute}\n")


def test_what_is_no_ontology_is_refused(tmp_path):
    for content in (b"", b"[1, 2", b"\xff\xfe\x00", b"just words"):
        (tmp_path / "o.yaml").write_bytes(content)
        with pytest.raises(SettingError, match=r"o\.yaml: expected"):
            load_ontology(tmp_path / "o.yaml")
    with pytest.raises(SettingError, match="expected an ontology"):
        load_ontology(tmp_path / "none.yaml")


def test_code_in_the_file_is_not_run():
    with pytest.raises(SettingError, match="YAML"):
        parse_ontology("!!python/object/apply:os.system ['true']")
    assert yaml.safe_load(TEXT)["version"] == 7
