"""One walk through a bag: what is in it, and where each cloud and picture lies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from perception_label.readers.bags import decode
from perception_label.readers.bags.decode import Step
from perception_label.readers.bags.packed import Message, Messages

MOST_BROKEN = 5  # messages of one topic that are told of one by one


@dataclass(slots=True)
class Topic:
    """What one topic holds; stamps and places only of clouds and pictures.

    `places` are (number of the file, place in it); `first` is the first message that could be
    understood.
    """

    name: str
    kind: str
    encoding: str
    n_messages: int = 0
    n_bytes: int = 0
    n_broken: int = 0
    n_unstamped: int = 0
    coordinate_frame: str = ""
    stamps_ns: list[int] = field(default_factory=list)
    places: list[tuple[int, Any]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    first: Message | None = None

    @property
    def is_read(self) -> bool:
        """Whether its messages are of a kind and an encoding that can be read."""
        return self.kind in decode.KNOWN and self.encoding in decode.ENCODINGS


@dataclass(frozen=True, slots=True)
class Survey:
    """All topics of a bag by name, and what was strange in it."""

    topics: dict[str, Topic]
    remarks: list[str]

    def of(self, kinds: Sequence[str]) -> list[Topic]:
        """Return the topics of some kinds that hold a message that could be read."""
        return [t for t in self.topics.values() if t.kind in kinds and t.first is not None]


def survey(files: Sequence[Messages]) -> Survey:
    """Walk through all messages of a bag's files.

    Raises
    ------
    SourceError
        If a file is none of its kind.
    """
    topics: dict[str, Topic] = {}
    remarks: list[str] = []
    for number, file in enumerate(files):
        for message in file.scan():
            topic = topics.get(message.topic)
            if topic is None:
                topic = Topic(message.topic, message.kind, message.encoding)
                topics[message.topic] = topic
            topic.n_messages += 1
            topic.n_bytes += len(message.data)
            if topic.kind != message.kind or topic.encoding != message.encoding:
                topic.n_broken += 1
            elif topic.is_read:
                _take(topic, number, message)
        remarks += [f"{file.path.name}: {text}" for text in file.remarks]
    for topic in topics.values():
        if topic.n_broken:
            remarks.append(
                f"{topic.name}: {topic.n_broken} of {topic.n_messages} messages are no "
                f"{topic.kind}, skipped"
            )
        if topic.n_unstamped:
            remarks.append(f"{topic.name}: {topic.n_unstamped} messages without a stamp: "
                           "the time they were recorded counts")  # fmt: skip
    return Survey(topics, remarks)


def _take(topic: Topic, number: int, message: Message) -> None:
    try:
        if topic.kind in (*decode.CLOUDS, *decode.PICTURES):
            stamp_ns, name = decode.heading_of(message)
            if stamp_ns <= 0:
                topic.n_unstamped += 1
                stamp_ns = message.log_ns
            topic.stamps_ns.append(stamp_ns)
            topic.places.append((number, message.place))
            topic.coordinate_frame = topic.coordinate_frame or name
        elif topic.kind in decode.CAMERAS:
            if topic.first is None:
                topic.coordinate_frame = decode.heading_of(message)[1]
        elif topic.kind in (*decode.TRANSFORMS, *decode.POSES):
            topic.steps += decode.steps_of(message)
        if topic.first is None:
            topic.first = message
    except ValueError:
        topic.n_broken += 1
