"""The README's programs run as they stand there, one after another."""

import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
import torch
from torch import nn

from evo.__main__ import main

README = Path(__file__).resolve().parent.parent / "README.md"


@pytest.mark.slow
def test_the_programs_of_the_readme_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    assert len(programs) == 6
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        size = ["--population", "20", "--generations", "10", "--trials", "1", "--seed", str(ord(name))]
        main(["run", "clune2013-retina", "--scale", "smoke", *size, "--workers", "0", "--out", f"runs/{name}"])
    stages = OrderedDict(representation=nn.Linear(3, 4), head=nn.Linear(4, 2))
    names: dict[str, Any] = {
        "model": nn.Sequential(stages),
        "inputs": torch.randn(5, 3),
        "labels": torch.randint(2, (5,)),
        "others": torch.randn(2, 3),
        "graph": nx.gnp_random_graph(12, 0.3, seed=1, directed=True),
    }
    capsys.readouterr()
    for program in programs:
        exec(program, names)
    assert names["logbook"][-1]["generation"] == 200 and len(names["population"]) == 200
    assert names["state"].lifetime.trace.shape == (8, 100, 100)
    assert not torch.equal(names["adapted"]["head.weight"], stages["head"].weight)
    assert re.match(r"-?0\.\d+ [01]\.\d+\n", capsys.readouterr().out)  # Q and its p
    assert set(names["times"]["treatment"]) == {"pa", "pcc"} and len(names["times"]) == 4
