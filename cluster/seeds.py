"""Seeds of trials."""

from __future__ import annotations

import zlib

import numpy as np


def trial_seed(seed: int, treatment: str, number: int) -> int:
    """Seed of a trial from the run's seed: 53 bits, so that any JSON reader keeps them all."""
    sequence = np.random.SeedSequence((seed, zlib.crc32(treatment.encode()), number))
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(11))
