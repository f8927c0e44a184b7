"""Data sets that tasks use and that do not ship with loopwright: found, checked, and fetched once.

`read(set, file)` gives a file's content after its checksum was compared; `pull` fetches a set. Which sets there are
stands in `sets.toml`. Not here: what a task makes of the files.
"""

from __future__ import annotations

from loopwright.data.places import FileState as FileState
from loopwright.data.places import read as read
from loopwright.data.places import states as states
from loopwright.data.sets import DataSet as DataSet
from loopwright.data.sets import data_set as data_set
from loopwright.data.sets import names as names
