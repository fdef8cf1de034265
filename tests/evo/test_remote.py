"""A run whose folder is a URL, from its first generation to its report."""

import secrets
from pathlib import Path

import pytest

from cluster.storage import files_below, location
from evo.__main__ import main

RUN = "run clune2013-retina --scale smoke --population 20 --generations 40 --log-every 5 --checkpoint-every 10"


def evo(*words: object) -> int:
    """Exit code of the command line."""
    try:
        main([str(word) for word in words])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_run_in_memory_has_the_files_of_one_on_disk_and_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = f"memory://{secrets.token_hex(4)}"
    words = [*RUN.split(), "--treatments", "pa", "pcc", "--trials", "2", "--workers", "0"]
    assert evo(*words, "--out", place) == 0
    assert evo(*words, "--out", tmp_path / "run") == 0
    run, here = location(place), tmp_path / "run"
    assert files_below(run) == files_below(here)
    assert all((run / name).read_bytes() == (here / name).read_bytes() for name in files_below(here))
    capsys.readouterr()
    assert evo("status", place) == 0 and "4 trials: 4 done" in capsys.readouterr().out
    assert evo("report", place, "--nulls", 3, "--out", tmp_path / "remote") == 0
    assert evo("report", here, "--nulls", 3, "--out", tmp_path / "local") == 0
    table = "statistics.json"
    assert (tmp_path / "remote" / table).read_bytes() == (tmp_path / "local" / table).read_bytes()
    capsys.readouterr()
    assert evo("report", place) == 2
    assert f"--out: missing: allowed for {place} is a folder on this machine" in capsys.readouterr().err
    assert evo("show", f"{place}/pa/trial-001", "--nulls", 3, "--out", tmp_path / "figure") == 0
    assert (tmp_path / "figure.svg").exists()
