"""Class names of another tool become ours: by the format's own table, by the user's, or not."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from perception_label.errors import SettingError, SourceError
from perception_label.geometry.image_labels import texts
from perception_label.readers.image_labels.file import ImageLabelFile
from perception_label.readers.labels import Given, class_names_of

SHOWN = 12  # unknown classes named in a message


def own_classes(
    path: Path, given: Given, format: str, known: Iterable[str], mapping: Path | None
) -> tuple[Given, tuple[str, ...]]:
    """Return labels with classes of the ontology, and what was left out because the user said so.

    Parameters
    ----------
    path : Path
        Where the labels come from, for messages.
    given : Given
        As read.
    format : str
        Whose own class names are known.
    known : iterable of str
        The ontology's classes.
    mapping : Path, optional
        YAML: class of the file → class of the ontology, or null to leave its labels out.

    Raises
    ------
    SourceError
        If a class is unknown: nothing is guessed. The message lists all of them and shows the
        mapping to write.
    SettingError
        If the mapping cannot be read, or names a class that the ontology does not have.
    """
    classes = tuple(known)
    own = class_names_of(format)
    said = {} if mapping is None else read_mapping(mapping, classes)
    found: Counter[str] = Counter(given.class_names.tolist())
    for labels in given.images.values():
        found.update(labels.labels.class_names.tolist())
    names: dict[str, str | None] = {}
    for name in found:
        plain = " ".join(name.split()).lower()
        ours = name if name in classes else own.get(plain)
        names[name] = said.get(name, ours if ours in classes else "")
    unknown = {name: n for name, n in found.items() if names[name] == ""}
    if unknown:
        raise SourceError(_ask(path, unknown, classes))
    if all(ours == name for name, ours in names.items()):
        return given, ()
    dropped = tuple(
        f"{n} labels of class {name!r}, as --classes says"
        for name, n in sorted(found.items())
        if names[name] is None
    )
    return _renamed(given, names), dropped


def read_mapping(path: Path, classes: tuple[str, ...]) -> dict[str, str | None]:
    """Return a mapping file's classes by name; null, which leaves labels out, is None."""
    import yaml

    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        line = " ".join(str(error).split())
        raise SettingError(f"{path}: expected YAML, got: {line}") from None
    if not isinstance(plain, dict):
        raise SettingError(f"{path}: expected lines such as `Van: car`, got {plain!r}")
    wrong = {str(ours) for ours in plain.values() if ours is not None and ours not in classes}
    if wrong:
        raise SettingError(
            f"{path}: expected classes of {', '.join(classes)}, got {', '.join(sorted(wrong))}"
        )
    return {str(name): ours for name, ours in plain.items()}


def _ask(path: Path, unknown: Mapping[str, int], classes: tuple[str, ...]) -> str:
    import json

    names = sorted(unknown)
    listed = ", ".join(f"{name} ({unknown[name]})" for name in names[:SHOWN])
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    # JSON's quotes are YAML's, too, and hold whatever a name holds.
    lines = ", ".join(f"{json.dumps(name, ensure_ascii=False)}: other" for name in names[:SHOWN])
    return (
        f"{path}: expected classes of {', '.join(classes)}, got {listed}{more}: say what each is "
        f"in a file and give it as --classes FILE.yaml, such as {{{lines}}} (null leaves it out)"
    )


def _renamed(given: Given, names: Mapping[str, str | None]) -> Given:
    ours = [names[name] for name in given.class_names.tolist()]
    kept = np.flatnonzero([name is not None for name in ours]).astype(np.int64)
    images = {}
    for camera, read in given.images.items():
        images[camera] = _renamed_images(read, names)
    return replace(
        given,
        cuboids=given.cuboids[kept],
        at=given.at[kept],
        class_names=texts([name for name in ours if name is not None]),
        track_ids=None if given.track_ids is None else given.track_ids[kept],
        scores=given.scores[kept],
        is_key=None if given.is_key is None else given.is_key[kept],
        images=images,
    )


def _renamed_images(read: ImageLabelFile, names: Mapping[str, str | None]) -> ImageLabelFile:
    ours = [names[name] for name in read.labels.class_names.tolist()]
    kept = read.labels[np.flatnonzero([name is not None for name in ours]).astype(np.int64)]
    renamed = replace(kept, class_names=texts([name for name in ours if name is not None]))
    return replace(read, labels=renamed)
