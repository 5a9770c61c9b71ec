"""Which topics of a bag are the log: guessed by kind and name, or as the user says.

What may be said: `lidar` (a topic, or several after commas: they are merged into one sweep, whose
instants are the first one's), `camera.NAME` (a topic of pictures, or that and the one of its
calibration after a comma; `none` leaves a guessed camera out), `poses` (`tf`, a topic of poses, or
`none`), `ego` and `world` (coordinate frames).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perception_label.errors import SettingError
from perception_label.readers.bags import decode
from perception_label.readers.bags.coordinate_tree import Tree
from perception_label.readers.bags.survey import Survey, Topic
from perception_label.readers.files import listed, read_text, refuse

KEYS = "lidar, camera.NAME, poses, ego, world"
# Clouds of these names are what software made of a LiDAR's, or no LiDAR's.
_MADE = (
    "ground", "obstacle", "cluster", "filter", "map", "segment", "voxel", "depth", "camera",
    "radar", "register", "object", "free", "label", "stereo", "down",
)  # fmt: skip
_LIDARS = (
    "lidar", "velodyne", "ouster", "hesai", "pandar", "livox", "rslidar", "robosense", "points",
    "scan",
)  # fmt: skip
_NO_PICTURE = ("depth", "disparity", "mask", "segment", "semantic", "thumbnail")
_PICTURE_PARTS = (
    "compressed", "image", "image_raw", "image_color", "image_rect", "image_rect_color", "raw",
    "image_mono", "image_compressed", "rgb",
)  # fmt: skip
_SENSOR_PARTS = ("cam", "camera", "cameras", "sensor", "sensors", "sensing")
EGO_FRAMES = (
    "base_link",
    "base_footprint",
    "ego",
    "ego_vehicle",
    "vehicle",
    "base",
    "body",
    "imu_link",
)
WORLD_FRAMES = ("map", "world", "odom", "local", "utm", "enu", "earth")


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a bag is taken; `poses` is `tf`, a topic or empty, `cameras` name to topics."""

    lidars: tuple[Topic, ...]
    cameras: dict[str, tuple[Topic, Topic | None]]
    ego: str
    world: str
    poses: str

    def told(self) -> dict[str, str]:
        """Return the choice as a person reads it, and could say it."""
        out = {"lidar": ",".join(topic.name for topic in self.lidars)}
        for name, (pictures, calibration) in self.cameras.items():
            beside = f",{calibration.name}" if calibration else ""
            out[f"camera.{name}"] = pictures.name + beside
        out |= {"poses": self.poses or "none", "ego": self.ego, "world": self.world or "none"}
        return out


def choose(path: Path, found: Survey, tree: Tree, asked: Mapping[str, str]) -> Choice:
    """Choose the topics of a log.

    Raises
    ------
    SettingError
        If something unknown is asked for; the message lists what there is.
    SourceError
        If there is no LiDAR.
    """
    unknown = [k for k in asked if k not in ("lidar", "poses", "ego", "world")
               and not (k.startswith("camera.") and len(k) > 7)]  # fmt: skip
    if unknown:
        raise SettingError(f"{path}: expected a topic for {KEYS}, got {unknown[0]!r}")
    lidars = _lidars(path, found, asked)
    lidar = lidars[0]
    cameras = _cameras(path, found, asked)
    ego = asked.get("ego") or _ego(found, tree, lidar)
    names = tree.names() | {s.child for t in found.of(decode.POSES) for s in t.steps[:1]}
    if "ego" in asked and ego not in names | {lidar.coordinate_frame}:
        known = listed(sorted(names))
        raise SettingError(f"{path}: expected ego of {known}, got {ego!r}")
    world, poses = _poses(path, found, tree, ego, asked)
    return Choice(lidars, cameras, ego, world, poses)


def _lidars(path: Path, found: Survey, asked: Mapping[str, str]) -> tuple[Topic, ...]:
    clouds = found.of(decode.CLOUDS)
    if "lidar" in asked:
        names = dict.fromkeys(name.strip() for name in asked["lidar"].split(","))
        return tuple(_topic(path, clouds, name, "lidar") for name in names)
    if not clouds:
        there = listed(f"{t.name} ({t.kind or 'no kind'}, {t.encoding})"
                       for t in found.topics.values()) or "no message"  # fmt: skip
        raise refuse(path, "a topic of PointCloud2 or foxglove.PointCloud", there)
    return (max(clouds, key=_like_a_lidar),)


def _like_a_lidar(topic: Topic) -> tuple[bool, bool, int]:
    name = topic.name.lower()
    return (
        not any(word in name for word in _MADE),
        any(word in name for word in _LIDARS),
        topic.n_bytes,
    )


def _cameras(
    path: Path, found: Survey, asked: Mapping[str, str]
) -> dict[str, tuple[Topic, Topic | None]]:
    pictures, lenses = found.of(decode.PICTURES), found.of(decode.CAMERAS)
    out: dict[str, tuple[Topic, Topic | None]] = {}
    # Compressed ones first: where both are recorded they are the same pictures.
    for topic in sorted(pictures, key=lambda t: ("Compressed" not in t.kind, t.name)):
        name = camera_name(topic.name)
        if name not in out and not any(word in topic.name.lower() for word in _NO_PICTURE):
            out[name] = (topic, _lens(topic, lenses))
    for key, value in asked.items():
        if not key.startswith("camera."):
            continue
        name, (first, _, second) = key.removeprefix("camera."), value.partition(",")
        if value == "none":
            out.pop(name, None)
            continue
        topic = _topic(path, pictures, first.strip(), key)
        lens = _topic(path, lenses, second.strip(), key) if second else _lens(topic, lenses)
        out = {k: v for k, v in out.items() if v[0] is not topic}
        out[name] = (topic, lens)
    return dict(sorted(out.items()))


def camera_name(topic: str) -> str:
    """Return a camera's name by its topic: what is left without words that every camera has."""
    parts = [part for part in topic.split("/") if part]
    while len(parts) > 1 and parts[-1].lower() in _PICTURE_PARTS:
        parts.pop()
    while len(parts) > 1 and parts[0].lower() in _SENSOR_PARTS:
        parts.pop(0)
    name = "_".join(parts)
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "_" for c in name)
    return kept.lstrip(".-") or "camera"


def _lens(pictures: Topic, lenses: list[Topic]) -> Topic | None:
    parent = pictures.name
    while "/" in parent:
        parent = parent.rpartition("/")[0]
        found = [t for t in lenses if parent and t.name == f"{parent}/camera_info"]
        if found:
            return found[0]
    beside = [t for t in lenses if t.coordinate_frame == pictures.coordinate_frame != ""]
    return beside[0] if len(beside) == 1 else None


def _ego(found: Survey, tree: Tree, lidar: Topic) -> str:
    children = [t.steps[0].child for t in found.of(decode.POSES) if t.steps and t.steps[0].child]
    names = tree.names() | set(children)
    return next(
        (n for n in EGO_FRAMES if n in names), children[0] if children else lidar.coordinate_frame
    )


def _poses(
    path: Path, found: Survey, tree: Tree, ego: str, asked: Mapping[str, str]
) -> tuple[str, str]:
    """Return the world's coordinate frame and where the ego's path in it is told."""
    said = asked.get("poses", "")
    if said == "none":
        return "", ""
    above = tree.above(ego)
    worlds = [asked["world"]] if "world" in asked else [n for n in WORLD_FRAMES if n in above]
    worlds += [] if "world" in asked else above[:0:-1]
    world = next((n for n in worlds if tree.path(n, ego) is not None), "")
    if world and said in ("", "tf"):
        return world, "tf"
    if "world" in asked and (said == "tf" or asked["world"] not in tree.names()):
        known = listed(sorted(tree.names())) or "no transforms"
        raise SettingError(f"{path}: expected world of {known}, got {asked['world']!r}")
    if said == "tf":
        raise SettingError(f"{path}: expected transforms over time above {ego!r}, got none")
    told = [t for t in found.of(decode.POSES) if len(t.steps) > 1]
    if said:
        topic = _topic(path, told, said, "poses")
        return topic.steps[0].parent, topic.name
    best = max(told, key=lambda t: ("Odometry" in t.kind, len(t.steps)), default=None)
    return ("", "") if best is None else (best.steps[0].parent, best.name)


def _topic(path: Path, topics: list[Topic], name: str, what: str) -> Topic:
    topic = next((t for t in topics if t.name == name), None)
    if topic is None:
        known = listed((t.name for t in topics), 20) or "none of that kind"
        raise SettingError(f"{path}: expected {what} of the topics {known}, got {name!r}")
    return topic


def told_topics(path: Path | None, said: Sequence[str]) -> dict[str, str]:
    """Return what a YAML file and `KEY=TOPIC` texts say of topics; the texts count more.

    Raises
    ------
    SourceError
        If the file is no YAML of texts by name.
    SettingError
        If a text has no `=`.
    """
    out: dict[str, str] = {}
    if path is not None:
        import yaml

        try:
            value = yaml.safe_load(read_text(path)) or {}
        except (yaml.YAMLError, RecursionError) as error:
            raise refuse(path, "YAML", error) from None
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise refuse(path, f"a line KEY: TOPIC for each of {KEYS}", "something else")
        out |= {str(k): v for k, v in value.items()}
    for text in said:
        key, equals, value = text.partition("=")
        if not equals or not key or not value:
            raise SettingError(f"topic: expected KEY=TOPIC with KEY of {KEYS}, got {text!r}")
        out[key] = value
    return out
