"""What a submitted job starts with."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def _start(program: str, *words: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cluster.entry", program, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(path)},
    )


def test_a_program_runs_as_if_called_by_itself(tmp_path: Path) -> None:
    (tmp_path / "shout.py").write_text("import sys\nprint(__name__, sys.argv[1:])\nsys.exit(3)\n")
    done = _start("shout", "run", "--loud", path=tmp_path)
    assert (done.returncode, done.stdout) == (3, "__main__ ['run', '--loud']\n")


def test_a_missing_package_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "shout.py").write_text("import a_package_that_nobody_has\n")
    done = _start("shout", "run", path=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    for part in ("shout: ", sys.executable, "lacks the package a_package_that_nobody_has", "--env-file"):
        assert part in done.stderr
