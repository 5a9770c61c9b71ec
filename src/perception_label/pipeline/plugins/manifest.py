"""A TOML file that says where a model is and what it does; the way to a plug-in by name.

name = "my-segmenter"          # the source's name
task = "segment"               # or detect_2d, detect_3d
classes = ["car", "truck"]     # of detectors: what class 0, 1, … is in our words
[onnx]
file = "model.onnx"            # beside this file
[http]                         # instead of [onnx]
url = "https://models.example/segment"
"""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from perception_label.errors import PluginError
from perception_label.pipeline.plugins.contract import TASKS, Plugin

LONGEST_S = 3600.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxPlace:
    """Where an ONNX model is, and how it wants images.

    Attributes
    ----------
    file : str
        The model, relative to the manifest.
    scale : float
        Pixels are multiplied by it, then `mean` taken away and by `std` divided, per channel.
    threads : int
        For one run; 0 leaves it to onnxruntime.
    """

    file: str
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    threads: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPlace:
    """Where a model answers over HTTP.

    Attributes
    ----------
    url : str
        http or https.
    timeout_s : float
        For one image or sweep, from asking to the whole answer.
    most_bytes : int
        An answer may have.
    token_env : str
        The environment variable that holds a bearer token; "" sends none.
    use_proxy : bool
        Whether the environment's proxies are used.
    """

    url: str
    timeout_s: float = 30.0
    most_bytes: int = 64 << 20
    token_env: str = ""
    use_proxy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a manifest says; see the module."""

    name: str
    task: str
    classes: tuple[str, ...] = ()
    least_score: float = 0.0
    onnx: OnnxPlace | None = None
    http: HttpPlace | None = None
    folder: Path = field(default=Path())


def load_plugin(path: Path | None) -> Plugin:
    """Return the plug-in of a manifest.

    Raises
    ------
    PluginError
        If there is none, the manifest says what cannot be, or the model cannot be opened.
    MissingExtraError
        If it is an ONNX model and onnxruntime is not installed.
    """
    if path is None:
        raise PluginError(
            "model: expected a plug-in, got none: this package ships no segmenter or detector; "
            "give the manifest of yours (docs/plugins.md)"
        )
    manifest = read_manifest(path)
    if manifest.onnx is not None:
        from perception_label.pipeline.plugins.onnx import open_onnx

        return open_onnx(manifest)
    from perception_label.pipeline.plugins.http import open_http

    return open_http(manifest)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises
    ------
    PluginError
        If it cannot be read, or a key is unknown, missing or of another type.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PluginError(f"{path}: expected a TOML file of a model, got: {error}") from None
    where = str(path)
    places: dict[str, type[OnnxPlace] | type[HttpPlace]] = {"onnx": OnnxPlace, "http": HttpPlace}
    given = [name for name in places if name in said]
    if len(given) != 1:
        raise PluginError(f"{where}: expected one of [onnx] and [http], got {given or 'neither'}")
    table = said.pop(given[0])
    if not isinstance(table, dict):
        raise PluginError(f"{where}: expected a table [{given[0]}], got {table!r}")
    place: object = _made(places[given[0]], table, f"{where} [{given[0]}]")
    said |= {given[0]: place, "folder": path.parent}
    manifest = _made(Manifest, said, where)
    _check(manifest, where)
    return manifest


def _check(manifest: Manifest, where: str) -> None:
    if manifest.task not in TASKS:
        raise PluginError(f"{where}: expected a task of {', '.join(TASKS)}, got {manifest.task!r}")
    if not manifest.name or not all(c.isalnum() or c in "._-" for c in manifest.name):
        raise PluginError(
            f"{where}: expected a name of letters, digits, . _ -, got {manifest.name!r}"
        )
    if manifest.task != "segment" and not manifest.classes:
        raise PluginError(f"{where}: expected classes of a detector, got none")
    onnx = manifest.onnx
    if onnx is not None and (len(onnx.mean) != 3 or len(onnx.std) != 3 or 0 in onnx.std):
        raise PluginError(f"{where} [onnx]: expected three of mean and of std above 0")
    if manifest.http is not None:
        parts = urlsplit(manifest.http.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PluginError(
                f"{where} [http]: expected a url of http or https, got {manifest.http.url!r}"
            )
        if not 0 < manifest.http.timeout_s <= LONGEST_S:
            raise PluginError(
                f"{where} [http]: expected timeout_s from 0 to {LONGEST_S:g}, "
                f"got {manifest.http.timeout_s}"
            )


def _made(kind: type[T], said: dict[str, Any], where: str) -> T:
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(said.keys() - known.keys())
    if unknown:
        raise PluginError(f"{where}: expected keys {', '.join(known)}, got {', '.join(unknown)}")
    values = {}
    for name, value in said.items():
        wanted = str(known[name].type)
        fits = {
            "str": isinstance(value, str),
            "bool": isinstance(value, bool),
            "int": type(value) is int,
            "float": type(value) in (int, float),
            "tuple[str, ...]": isinstance(value, list) and all(isinstance(v, str) for v in value),
            "tuple[float, ...]": isinstance(value, list)
            and all(type(v) in (int, float) for v in value),
        }.get(wanted.replace("<class '", "").replace("'>", ""), True)
        if not fits:
            raise PluginError(f"{where}: expected {name} as {wanted}, got {value!r}")
        values[name] = tuple(value) if isinstance(value, list) else value
    try:
        return kind(**values)
    except TypeError:
        missing = [n for n in known if n in ("name", "task", "file", "url") and n not in said]
        raise PluginError(f"{where}: expected {', '.join(missing)}, got none") from None
