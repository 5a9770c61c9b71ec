"""`perception-label review` in a process of its own."""

import json
import os
import signal
import subprocess
import sys


class Process:
    """`perception-label review` on a workspace; it can be killed and started again."""

    def __init__(self, workspace, *options):
        self.args = [str(workspace.path), "--json", *options]
        self.port = 0
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "perception_label", "review", *self.args,
                "--port", str(self.port),
            ],
            stdout=subprocess.PIPE, text=True, env=os.environ,
        )  # fmt: skip
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.port = int(self.url.rsplit(":", 1)[1].strip("/"))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process.stdout.close()
