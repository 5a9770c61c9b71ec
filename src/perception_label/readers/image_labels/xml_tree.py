"""XML from outside, without what makes it dangerous."""

from pathlib import Path
from xml.etree import ElementTree

from perception_label.readers.files import read_bytes, refuse

LIMIT_BYTES = 512 << 20


def read_xml(path: Path) -> ElementTree.Element:
    """Return the root of an XML file.

    Raises
    ------
    SourceError
        If it is no XML, or declares entities: a few bytes of those can fill any memory.
    """
    data = read_bytes(path, LIMIT_BYTES)
    if b"<!ENTITY" in data:
        raise refuse(path, "XML without entities", "an entity declaration")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise refuse(path, "XML", error) from None
