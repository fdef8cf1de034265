"""Lets the tests of this folder import their helper, `plasticity_loops`, in any import mode."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
