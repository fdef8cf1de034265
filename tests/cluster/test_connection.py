"""What stands in the way of a cluster is one line and exit code 2."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ray_cluster import ROOT

from cluster.connection import Resources, connected
from cluster.errors import UserError

RUN = ["run", "clune2013-retina", "--scale", "smoke"]


def refused(out: Path, *words: str, environment: Mapping[str, str] | None = None, before: str = "") -> str:
    """The one line with which `evo run` ends, with exit code 2 and without a run folder."""
    program = f"{before}\nimport sys; from evo.__main__ import main; main(sys.argv[1:])"
    result = subprocess.run(
        [sys.executable, "-c", program, *RUN, "--out", str(out), *words],
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        timeout=400,
    )
    assert result.returncode == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert not out.exists()
    return result.stderr


def test_who_runs_on_this_machine_never_loads_ray() -> None:
    program = """
import sys, pathlib, importlib
for file in pathlib.Path("cluster").glob("*.py"):
    importlib.import_module(f"cluster.{file.stem}" if file.stem != "__init__" else "cluster")
import evo.__main__, evo.launch, small_program
assert small_program.small("run", "count", "--workers", 0, "--out", sys.argv[1]) == 0
assert not {"ray", "fsspec", "matplotlib"} & set(sys.modules), sorted(sys.modules)
"""
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            [sys.executable, "-c", program, f"{folder}/run"],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--address", "here"], "--address here: allowed is auto or HOST:PORT"),
        (["--address", "http://127.0.0.1:8265"], "allowed is auto or HOST:PORT"),
        (["--address", "auto", "--cpus-per-trial", "-1"], "--cpus-per-trial -1: allowed is a whole number, or a"),
        (
            ["--address", "auto", "--gpus-per-trial", "1.5"],
            "--gpus-per-trial 1.5: allowed is a whole number, or a",
        ),
        (["--address", "auto", "--workers", "0"], "--workers 0: allowed is a whole number of 1 or more"),
        (["--gpus-per-trial", "1"], "--gpus-per-trial 1: allowed with --address only"),
    ],
)
def test_flags_that_make_no_sense(tmp_path: Path, words: list[str], line: str) -> None:
    assert line in refused(tmp_path / "run", *words)


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(UserError, match=f"no cluster answers at 127.0.0.1:{port}"), connected(f"127.0.0.1:{port}"):
        pass


@pytest.mark.slow
def test_more_than_a_node_has(cluster: Any, tmp_path: Path) -> None:
    line = refused(tmp_path / "run", "--address", cluster.address, "--gpus-per-trial", "1")
    assert "1 CPUs and 1 GPUs for each: allowed is what one node has" in line
    assert "this cluster's 3 have 1 CPUs and 0 GPUs, 1 CPUs and 0 GPUs, 1 CPUs and 0 GPUs" in line


@pytest.mark.slow
def test_another_version_of_ray(cluster: Any, tmp_path: Path) -> None:
    line = refused(tmp_path / "run", "--address", cluster.address, before="import ray; ray.__version__ = '2.50.0'")
    assert "Ray: 2.50.0" in line and "allowed are the same versions of Ray and Python on both sides" in line


@given(
    cpus=st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0]),
    gpus=st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0]),
    node=st.fixed_dictionaries({"CPU": st.integers(1, 64), "GPU": st.integers(0, 8)}),
)
def test_as_many_fit_on_a_node_as_its_resources_allow(cpus: float, gpus: float, node: dict[str, float]) -> None:
    count = Resources(cpus, gpus).fit(node)
    assert count * cpus <= node["CPU"] and count * gpus <= node["GPU"]
    if cpus or gpus:
        assert (count + 1) * cpus > node["CPU"] or (count + 1) * gpus > node["GPU"]
