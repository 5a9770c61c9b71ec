"""Pictures that a source holds inside another file are copied into the log's own folder."""

from pathlib import Path

import numpy as np

from perception_label.errors import SourceError
from perception_label.pipeline.intake import Notes
from perception_label.readers.recording import Pictures
from perception_label.storage.logs import PICTURES
from perception_label.storage.whole import storage_errors, sync, write_table
from perception_label.tables import images_to_table

SUFFIXES = {b"\xff\xd8": ".jpg", b"\x89PNG": ".png"}


def copy_pictures(stage: Path, camera: str, pictures: Pictures, notes: Notes) -> None:
    """Write a camera's pictures below the folder of a log, and the table that names them.

    A picture that cannot be read is left out, and said to be.

    Raises
    ------
    WorkspaceError
        If the disk is full or may not be written.
    """
    folder = stage / PICTURES / camera
    kept, names, broken = [], [], []
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for i, at in enumerate(pictures.timestamps_ns.tolist()):
            try:
                data = pictures.read(i)
            except SourceError as error:
                broken.append(str(error))
                continue
            suffix = next((s for magic, s in SUFFIXES.items() if data.startswith(magic)), ".bin")
            path = folder / f"{at}{suffix}"
            path.write_bytes(data)
            kept.append(at)
            names.append(f"{PICTURES}/{camera}/{path.name}")
        sync(folder)
    if broken:
        n = len(broken)
        notes.left_out.append(f"{n} pictures of {camera} that cannot be read: {broken[0]}")
    table = images_to_table(np.array(kept, dtype=np.int64), names)
    write_table(stage / "images" / f"{camera}.arrow", table)
