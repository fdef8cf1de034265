"""Lets the tests of this folder import its helpers, `adjacencies` and `drawings`, in any import mode."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
