"""Append edits until killed; tell each id once it is acknowledged.

Run as `python appender.py FOLDER PLACE NUMBER`. Each list creates a track and sets a keyframe,
so a list of which only a part was stored would show.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from edit_logs import key, open_log
from perception_label.storage.edits import make


def main(folder, place, number):
    log = open_log(folder, place=place if "://" in place else Path(place))
    n = 0
    while True:
        name = f"{number}-{n}"
        edits = [make.create_track(name, "car"), key(name, n % 100), make.set_class(name, "bus")]
        log.append(edits)
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
        n += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
