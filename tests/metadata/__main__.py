"""Print what is wrong with a project's metadata, this one's by default; status 1 when anything is.

``python -m tests.metadata [PROJECT]``
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.metadata.gates import findings
from tests.metadata.packing import ROOT

found = findings(Path(*sys.argv[1:2]) if sys.argv[1:] else ROOT)
print(*found, sep="\n", end="\n" if found else "")
sys.exit(bool(found))
