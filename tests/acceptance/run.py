"""Export one log in every format, and let each real client open what is for it.

Run by `make acceptance`; see README.md in this folder.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent)]

from clients import CLIENTS  # noqa: E402

import format_worlds as worlds  # noqa: E402  # the folders of the tests are no packages
from perception_label.pipeline.export import export  # noqa: E402

TIMEOUT_S = 300
TAIL = 1500  # characters of what a failing client said


def written(root, formats):
    """Make the world and its exports; return the folder the clients get."""
    world = worlds.format_world(root / "world")
    given = root / "exports"
    for name in formats:
        export(world.workspace, given / name, name, log=world.log)
    world.save_truth(given / "truth.json")
    return given


def asked(client, given, scratch):
    """Return what one client's script said, as its JSON has it."""
    python = ROOT / client.venv / "bin/python"
    missing = {"package": client.package, "missing": True}
    if not python.exists():
        return missing
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL"))}
    # Some clients keep caches at home, or would ask the network.
    environment |= {
        "HOME": str(scratch), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"
    }  # fmt: skip
    argv = [str(python), "-W", "ignore", str(HERE / "clients" / f"{client.script}.py"), str(given)]
    try:
        done = subprocess.run(
            argv, cwd=scratch, env=environment, capture_output=True, text=True,
            timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
        return json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        got = f"no answer in {TIMEOUT_S} s"
    except (IndexError, ValueError):
        got = (done.stderr or done.stdout)[-TAIL:]
    return {"package": client.package, "checks": [{"what": "it runs", "ok": False, "got": got}]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="clients whose script has this in its name")
    parser.add_argument("--all", action="store_true", help="those with an environment each, too")
    parser.add_argument("--no-skips", action="store_true", help="fail where a client is missing")
    parser.add_argument("--out", type=Path, help="where to write the results as JSON")
    options = parser.parse_args()
    chosen = [
        c
        for c in CLIENTS
        if (options.only or "") in c.script and (options.all or c.venv == ".acceptance")
    ]
    results, failed, skipped = {}, [], []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "ac cept ü")
        given = written(root, sorted({name for c in chosen for name in c.formats}))
        scratch = root / "home"
        scratch.mkdir()
        for client in chosen:
            said = asked(client, given, scratch)
            if said.get("missing"):
                skipped.append(client.script)
                print(f"skip {client.script}: {client.package} is not installed", flush=True)
                continue
            results[client.script] = {**said, "formats": list(client.formats)}
            for check in said["checks"]:
                word = "ok  " if check["ok"] else "FAIL"
                print(f"{word} {client.script}: {check['what']}: {check['got']}", flush=True)
            if not all(check["ok"] for check in said["checks"]):
                failed.append(client.script)
    if options.out:
        text = json.dumps(results, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")
    print(f"{len(results) - len(failed)} clients agree, {len(failed)} do not: {', '.join(failed)}; "
          f"{len(skipped)} missing: {', '.join(skipped)}")  # fmt: skip
    return 1 if failed or (options.no_skips and (skipped or not results)) else 0


if __name__ == "__main__":
    sys.exit(main())
