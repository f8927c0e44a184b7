"""Put the two starting policies of the study beside this file: the same text as one function and as two."""

import shutil
from pathlib import Path

from loopwright.tasks.atari import starting

HERE = Path(__file__).parent

shutil.copy(starting("pong", "one"), HERE / "one.py")
shutil.copy(starting("pong", "functions"), HERE / "two.py")
