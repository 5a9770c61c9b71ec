"""What may be labelled: classes, sizes, attributes and rules, from a versioned YAML file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perception_label.errors import SettingError

SHIPPED = Path(__file__).with_name("ontology.yaml")
TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "text": (str,),
    "choice": (str,),
}

Size = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ClassRule:
    """What is known of a class before anything was measured.

    Attributes
    ----------
    size_m, least_m, most_m : (3,) floats
        Length, width, height, metres: of a usual one, and the bounds of what is plausible.
    max_speed_mps : float
        Faster is taken for a mistake.
    geometry : tuple of str
        Kinds of geometry its labels may have.
    """

    size_m: Size
    least_m: Size
    most_m: Size
    max_speed_mps: float
    geometry: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A typed attribute: `per` is `track` or `sweep`, `classes` None means all of them."""

    per: str
    type: str
    values: tuple[str, ...]
    classes: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Ontology:
    """One version of what may be labelled; `text` is the file, `sha256` its hash.

    Attributes
    ----------
    version : str
        A label made now names it.
    geometry : tuple of str
        All kinds of geometry.
    classes : dict of ClassRule
        By name.
    attributes : dict of Attribute
        By name.
    text, sha256 : str
        The file's content and its hash.
    """

    version: str
    geometry: tuple[str, ...]
    classes: Mapping[str, ClassRule]
    attributes: Mapping[str, Attribute]
    text: str
    sha256: str

    def check_class(self, class_name: object) -> ClassRule:
        """Return the rule of a class.

        Raises
        ------
        SettingError
            If it is unknown; the message lists the known ones.
        """
        if not isinstance(class_name, str) or class_name not in self.classes:
            raise SettingError(
                f"class: expected one of {', '.join(self.classes)} (ontology {self.version}), "
                f"got {class_name!r}"
            )
        return self.classes[class_name]

    def check_attribute(
        self, name: object, value: object, class_name: str, *, per_sweep: bool
    ) -> None:
        """Raise SettingError unless a track of this class may have this attribute so.

        A value of None takes the attribute away and is always of the right type.
        """
        if not isinstance(name, str) or name not in self.attributes:
            raise SettingError(
                f"attribute: expected one of {', '.join(self.attributes)} "
                f"(ontology {self.version}), got {name!r}"
            )
        rule = self.attributes[name]
        if rule.classes is not None and class_name not in rule.classes:
            raise SettingError(
                f"attribute {name}: expected a track of class {', '.join(rule.classes)}, "
                f"got {class_name}"
            )
        if per_sweep != (rule.per == "sweep"):
            given = "one at a sweep" if per_sweep else "one without a sweep"
            raise SettingError(f"attribute {name}: expected a value per {rule.per}, got {given}")
        if value is not None and not _fits(value, rule):
            wanted = f"one of {', '.join(rule.values)}" if rule.values else f"a {rule.type}"
            raise SettingError(f"attribute {name}: expected {wanted}, got {value!r}")


def load_ontology(path: Path | None = None) -> Ontology:
    """Read an ontology; without a path, the one the package ships.

    Raises
    ------
    SettingError
        If the file cannot be read, or says something this release does not know.
    """
    where = SHIPPED if path is None else path
    try:
        text = where.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise SettingError(f"{where}: expected an ontology, got: {error}") from None
    return parse_ontology(text, str(where))


def parse_ontology(text: str, where: str = "ontology") -> Ontology:
    """Return the ontology a YAML text describes; see `load_ontology`."""
    import yaml

    try:
        plain = yaml.safe_load(text)
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise SettingError(f"{where}: expected YAML, got: {line}") from None
    top = _keys(plain, where, {"version", "geometry", "classes", "attributes"}, {"attributes"})
    version = top["version"]
    if isinstance(version, bool) or not isinstance(version, str | int) or version == "":
        raise SettingError(f"{where}: expected version as a whole number or text, got {version!r}")
    geometry = _words(top["geometry"], f"{where}: geometry")
    classes = {
        str(name): _class_rule(given, f"{where}: class {name}", geometry)
        for name, given in _mapping(top["classes"], f"{where}: classes").items()
    }
    if not classes:
        raise SettingError(f"{where}: expected at least one class, got none")
    attributes = {
        str(name): _attribute(given, f"{where}: attribute {name}", tuple(classes))
        for name, given in _mapping(top.get("attributes") or {}, f"{where}: attributes").items()
    }
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Ontology(str(version), geometry, classes, attributes, text, digest)


def _class_rule(given: Any, where: str, geometry: tuple[str, ...]) -> ClassRule:
    facts = _keys(given, where, {"size_m", "max_speed_mps", "geometry"}, {"geometry"})
    sizes = _keys(facts["size_m"], f"{where} size_m", {"usual", "least", "most"})
    usual, least, most = (_size(sizes[k], f"{where} {k}") for k in ("usual", "least", "most"))
    if not all(a <= b <= c for a, b, c in zip(least, usual, most, strict=True)):
        raise SettingError(f"{where}: expected least <= usual <= most, got {sizes}")
    speed = facts["max_speed_mps"]
    if not _is_number(speed) or not 0 < speed < float("inf"):
        raise SettingError(f"{where}: expected max_speed_mps above 0, got {speed!r}")
    kinds = _words(facts.get("geometry", list(geometry)), f"{where} geometry")
    if not set(kinds) <= set(geometry):
        raise SettingError(f"{where}: expected geometry from {geometry}, got {kinds}")
    return ClassRule(usual, least, most, float(speed), kinds)


def _attribute(given: Any, where: str, classes: tuple[str, ...]) -> Attribute:
    facts = _keys(given, where, {"per", "type", "values", "classes"}, {"values", "classes"})
    if facts["per"] not in ("track", "sweep"):
        raise SettingError(f"{where}: expected per track or sweep, got {facts['per']!r}")
    if facts["type"] not in TYPES:
        raise SettingError(f"{where}: expected a type of {', '.join(TYPES)}, got {facts['type']!r}")
    values = _words(facts.get("values", []), f"{where} values")
    if (facts["type"] == "choice") != bool(values):
        raise SettingError(f"{where}: expected values for a choice and only there, got {values}")
    for_classes = None
    if "classes" in facts:
        for_classes = _words(facts["classes"], f"{where} classes")
        if not set(for_classes) <= set(classes):
            raise SettingError(f"{where}: expected classes from {classes}, got {for_classes}")
    return Attribute(facts["per"], facts["type"], values, for_classes)


def _fits(value: object, rule: Attribute) -> bool:
    if isinstance(value, bool) and rule.type != "bool":
        return False
    if not isinstance(value, TYPES[rule.type]):
        return False
    if isinstance(value, float) and not np.isfinite(value):
        return False
    return rule.type != "choice" or value in rule.values


def _keys(
    given: Any, where: str, known: set[str], optional: set[str] | frozenset[str] = frozenset()
) -> Mapping[str, Any]:
    facts = _mapping(given, where)
    unknown, missing = facts.keys() - known, known - optional - facts.keys()
    if unknown or missing:
        raise SettingError(f"{where}: expected keys {sorted(known)}, got {sorted(map(str, facts))}")
    return facts


def _mapping(given: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise SettingError(f"{where}: expected keys and values, got {given!r}")
    return given


def _words(given: Any, where: str) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(word, str) and word for word in given):
        raise SettingError(f"{where}: expected a list of texts, got {given!r}")
    return tuple(given)


def _size(given: Any, where: str) -> Size:
    is_size = isinstance(given, list) and len(given) == 3 and all(map(_is_number, given))
    if not is_size or not all(0 < side < float("inf") for side in given):
        raise SettingError(f"{where}: expected three lengths above 0, got {given!r}")
    return (float(given[0]), float(given[1]), float(given[2]))


def _is_number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)
