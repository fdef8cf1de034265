"""Jobs over HTTP, to a real head that asks for a token."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ray_cluster import ENVIRONMENT, ROOT, wait_until
from small_program import small

from cluster.errors import UserError
from cluster.jobs import complete, read_environment
from cluster.packages import pack

TOKEN = "0123456789abcdef" * 4


@dataclass
class Head:
    """Where the head is, and what a submitter's environment holds."""

    address: str
    url: str
    environment: dict[str, str]

    def run(self, *words: object, program: str = "small_program", **changes: str | None) -> tuple[int, str, str]:
        """Exit code, output and errors of a command from another process; changes are to its environment."""
        environment = {name: value for name, value in (self.environment | changes).items() if value is not None}
        result = subprocess.run(
            [sys.executable, "-m", program, *map(str, words)],
            capture_output=True,
            text=True,
            env=environment,
            timeout=400,
        )
        return result.returncode, result.stdout, result.stderr


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    token = tmp_path_factory.mktemp("token") / "auth_token"
    token.write_text(TOKEN)
    own = ENVIRONMENT | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    own["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **own}
    del environment["RAY_ADDRESS"]
    on_the_cluster = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "token_head.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=on_the_cluster,
    )
    assert process.stdout is not None
    address, url = process.stdout.readline().split()
    yield Head(address, f"http://{url.removeprefix('http://')}", environment)
    process.communicate("")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_job_is_followed_to_its_end_and_its_results_read_back(head: Head, tmp_path: Path) -> None:
    own = ROOT / "tests" / "small_program.py"
    submit = ("submit", "--address", head.url, "--include", own, "--follow")
    code, out, err = head.run(*submit, "--", "run", "count", "--out", tmp_path / "run")
    assert code == 0, out + err
    assert "taking along networks, cluster, analysis, evo, meta, small_program.py (" in err
    assert ".git" in err.split("leaving out")[1]
    job = out.splitlines()[0]
    assert job.startswith("small_program-") and "6 of 6 trials finished" in out and f"job {job}: succeeded" in err
    assert small("run", "count", "--workers", 0, "--out", tmp_path / "here") == 0
    assert files(tmp_path / "run") == files(tmp_path / "here")
    assert "6 done" in head.run("status", tmp_path / "run")[1]
    assert "6 of 6 trials finished" in head.run("logs", job, "--address", head.url)[1]
    assert job in head.run("jobs", "--address", head.url)[1]
    code, out, err = head.run(*submit, "--", "run", "count", "--out", tmp_path / "run")  # the same once more
    assert code == 0 and out.splitlines()[0] == f"{job}-2", out + err
    code, _, err = head.run(*submit, "--id", job, "--", "run", "count", "--out", tmp_path / "run")
    assert code == 2 and f"--id {job}: a job of this name has ended (SUCCEEDED): allowed is a new name" in err


@pytest.mark.slow
def test_a_job_under_way_is_not_submitted_twice_and_can_be_stopped(head: Head, tmp_path: Path) -> None:
    words = ("run", "count", "--steps", 10000, "--pause", 0.1, "--out", tmp_path / "run")
    submit = ("submit", "--address", head.url, "--include", ROOT / "tests" / "small_program.py", "--", *words)
    code, out, err = head.run(*submit)
    assert code == 0, err
    job = out.strip()
    code, _, err = head.run(*submit)
    assert code == 2 and f"submit: job {job} is this command and is " in err and "not submitted again" in err
    wait_until(lambda: list((tmp_path / "run").glob("*/trial-*/checkpoint.npz")))
    code, _, err = head.run("stop", job, "--address", head.url)
    assert code == 0 and f"job {job}: stopping" in err
    wait_until(lambda: "STOPPED" in head.run("jobs", "--address", head.url)[1])


@pytest.mark.slow
def test_a_bad_job_shows_its_one_line_and_its_exit_code(head: Head, tmp_path: Path) -> None:
    words = ("--", "run", "no-such-experiment", "--out", tmp_path / "run")
    code, out, _ = head.run("submit", "--address", head.url, "--follow", *words, program="evo")
    assert code == 2
    assert "evo: experiment no-such-experiment: no such experiment: allowed are clune2013-retina" in out
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"RAY_AUTH_TOKEN": "f" * 64, "RAY_AUTH_TOKEN_PATH": None},
            "the cluster refused the token: set RAY_AUTH_MODE",
        ),
        (
            {"RAY_AUTH_TOKEN_PATH": None, "HOME": "/nonexistent"},
            "asks for a token and none is set: set RAY_AUTH_MODE",
        ),
        (
            {"RAY_AUTH_MODE": "disabled", "RAY_AUTH_TOKEN_PATH": None},
            "set RAY_AUTH_MODE=token and put the cluster's",
        ),
    ],
)
def test_without_the_token_one_line_says_what_to_set(
    head: Head, tmp_path: Path, changes: dict[str, str | None], line: str
) -> None:
    code, _, err = head.run("jobs", "--address", head.url, **changes)
    assert code == 2 and line in err and len(err.splitlines()) == 1, err
    if changes.get("RAY_AUTH_MODE") == "disabled":  # Ray itself takes 20 s to give up
        return
    code, _, err = head.run("run", "count", "--address", head.address, "--out", tmp_path / "run", **changes)
    assert code == 2 and "RAY_AUTH_MODE=token" in err and len(err.splitlines()) == 1, err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_an_unknown_job_is_named(head: Head) -> None:
    for words in (("logs", "nobody"), ("logs", "nobody", "--follow"), ("stop", "nobody")):
        code, _, err = head.run(*words, "--address", head.url)
        assert code == 2 and "job nobody: no such job: `small_program jobs` lists them" in err, err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--address", "127.0.0.1:8265", "--", "run", "count", "--out", "/a"], "allowed is http://HEAD:PORT"),
        (["--address", "http://127.0.0.1:9", "--", "run", "count", "--out", "/a"], "no job server answers there"),
        (["--", "report", "x"], "submit report x: allowed after -- is run EXPERIMENT ... or retry RUN ..."),
        (["--", "run", "count"], "submit: --out: missing: allowed is a URL or absolute path that all nodes see"),
        (["--", "run", "count", "--out", "runs/a"], "submit: runs/a: allowed is a URL or an absolute path"),
        (
            ["--env-file", "nowhere.yaml", "--", "run", "count", "--out", "/a"],
            "--env-file nowhere.yaml: cannot be",
        ),
    ],
)
def test_bad_submissions(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert small("submit", *words) == 2
    assert line in capsys.readouterr().err


def test_a_job_runs_on_the_cluster_and_resumes() -> None:
    assert complete(["run", "x", "--out", "s3://b/r"])[4:] == ["--resume", "--address", "auto"]
    assert complete(["run", "x", "--resume", "--out", "/r", "--workers", "2"])[2:] == [
        "--resume",
        "--out",
        "/r",
        "--workers",
        "2",
    ]
    assert complete(["retry", "/r"]) == ["retry", "/r", "--address", "auto"]


def test_a_runtime_environment_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "env.yaml"
    file.write_text("pip: [numpy]\nenv_vars: {A: b}\n")
    assert read_environment(file) == {"pip": ["numpy"], "env_vars": {"A": "b"}}
    for text, line in (
        ("pips: []", "pips: allowed are env_vars"),
        ("[1", "no YAML or JSON"),
        ("3", "3: allowed are"),
    ):
        file.write_text(text)
        with pytest.raises(UserError, match=line):
            read_environment(file)


def test_a_package_holds_the_source_and_what_is_included_within_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.py"
    own.write_text("x = 1\n")
    (tmp_path / "package").mkdir()
    told = pack(tmp_path / "package", [own])
    packed = {path.relative_to(tmp_path / "package") for path in (tmp_path / "package").rglob("*")}
    assert {Path("own.py"), Path("evo/__main__.py"), Path("cluster/jobs.py")} <= packed
    assert not any("__pycache__" in path.parts for path in packed)
    assert "own.py" in told.split("; leaving out")[0] and "tests" in told.split("; leaving out")[1]
    monkeypatch.setattr("cluster.packages.LIMIT", 1000)
    (tmp_path / "another").mkdir()
    with pytest.raises(UserError, match=r"MiB in all, most of it .* allowed are 0.0 MiB"):
        pack(tmp_path / "another")
    (tmp_path / "third").mkdir()
    with pytest.raises(UserError, match="--include nowhere: no such file or folder"):
        pack(tmp_path / "third", [Path("nowhere")])
