"""The commands and the Python in a Markdown file, in the order a reader meets them."""

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    language: str
    text: str

    @property
    def commands(self):
        """One string per command of a bash block: comments and `$ ` prompts dropped."""
        joined = self.text.replace("\\\n", " ")
        lines = (line.removeprefix("$ ").strip() for line in joined.splitlines())
        return [line for line in lines if line and not line.startswith("#")]


def blocks(markdown, languages=("bash", "python")):
    found = (Block(*match.groups()) for match in _FENCE.finditer(markdown))
    return [block for block in found if block.language in languages]
