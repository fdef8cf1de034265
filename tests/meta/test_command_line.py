"""The command line as its user meets it: `meta.__main__.main` in this process, real processes where it matters."""

import filecmp
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import meta.data as meta_data
import networks
from meta import trial as meta_trial
from meta.__main__ import main
from meta.tasks import pictures

#: A short run of every experiment, of all its kinds of networks; nothing is downloaded.
SHORT: dict[str, str] = {
    "miconi2018-patterns": "--bits 12 --iterations 12 --log-every 2 --checkpoint-every 4 --evaluation 3 "
    "--treatments plastic plastic-oja rnn",
    "miconi2018-patterns50": "--iterations 12 --bits 10 --log-every 2 --checkpoint-every 4 --evaluation 3 "
    "--treatments plastic",
    "miconi2018-images": "--data generated --iterations 4 --evaluation 3 --treatments shared",
    "miconi2018-omniglot": "--data generated --iterations 12 --log-every 2 --checkpoint-every 4 --evaluation 20 "
    "--treatments plastic shared",
    "miconi2019-ptb": "--data generated --generated 1000 --iterations 12 --log-every 2 --checkpoint-every 4 "
    "--cells 5 5",
    "miconi2019-ptb-awd": "--data generated --generated 1000 --cells 6 6 4 --embedding 4 --iterations 12 "
    "--log-every 2 --checkpoint-every 4 --average-from 6 --treatments lstm modulated plastic",
    "beaulieu2020-omniglot": "--iterations 12 --checkpoint-every 4 --treatments anml",
    "finn2017-sine": "--iterations 12 --checkpoint-every 4 --treatments maml",
    "javed2019-sine": "--iterations 12 --checkpoint-every 4 --treatments oml",
    "wang2016-bandits": "--iterations 12 --batch 3 --pulls 6 --neurons 5 --log-every 2 --checkpoint-every 4 "
    "--evaluation 7 --treatments independent medium",
    "duan2016-bandits": "--iterations 12 --batch 3 --neurons 5 --log-every 2 --checkpoint-every 4 --evaluation 7 "
    "--treatments pulls10-arms5",
    "wang2016-two-step": "--iterations 12 --batch 3 --choices 4 --neurons 5 --log-every 2 --checkpoint-every 4 "
    "--evaluation 7",
    "miconi2018-maze": "--iterations 12 --batch 2 --neurons 6 --steps 8 --side 5 --log-every 2 "
    "--checkpoint-every 4 --evaluation 4",
    "miconi2019-maze": "--iterations 12 --batch 2 --steps 8 --side 5 --log-every 2 --checkpoint-every 4 "
    "--evaluation 4 --treatments simple retroactive",
    "miconi2019-cue-reward": "--iterations 12 --batch 2 --neurons 6 --steps 12 --log-every 2 --checkpoint-every 4 "
    "--evaluation 4 --treatments simple rnn",
    "duan2016-gymnasium": "--iterations 12 --batch 2 --neurons 5 --longest 5 --log-every 2 --checkpoint-every 4 "
    "--evaluation 4",
}
#: One of each way to train: what differs beyond is stopped and resumed in this process, which is much quicker.
KINDS = (
    "miconi2018-patterns",
    "miconi2018-omniglot",
    "miconi2019-ptb-awd",
    "beaulieu2020-omniglot",
    "wang2016-two-step",
    "duan2016-gymnasium",
)
#: The same command line with few generated pictures, for processes of their own.
COMMAND = (
    "import meta.tasks.pictures as p; p.GENERATED = (20, 10); import sys; from meta.__main__ import main; "
    "__name__ == '__main__' and main(sys.argv[1:])"
)


@pytest.fixture(scope="module", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No data but generated ones, and nothing that a test prepares reaches the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROMATERIALS_DATA", str(tmp_path_factory.mktemp("data")))
        patch.setenv("NEUROMATERIALS_CACHE", str(tmp_path_factory.mktemp("prepared")))
        patch.setattr(pictures, "GENERATED", (20, 10))
        yield


def meta(*arguments: str | Path) -> int:
    """Exit code of the command line."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def run(name: str, out: Path, *more: str) -> list[str]:
    """Words of a short run of an experiment."""
    return ["run", name, "--scale", "smoke", *SHORT[name].split(), "--trials", "1", "--out", str(out), *more]


def same_files(a: Path, b: Path) -> bool:
    """Whether two folders hold the same files, byte for byte."""
    files = sorted(path.relative_to(a) for path in a.rglob("*") if path.is_file())
    assert files and files == sorted(path.relative_to(b) for path in b.rglob("*") if path.is_file())
    return filecmp.cmpfiles(a, b, [str(file) for file in files], shallow=False)[1:] == ([], [])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished short run of every experiment."""
    folder = tmp_path_factory.mktemp("runs")
    for name in SHORT:
        assert meta(*run(name, folder / name, "--workers", "0")) == 0
    return {name: folder / name for name in SHORT}


def trials(run: Path) -> list[Path]:
    return sorted(run.glob("*/trial-*"))


@pytest.mark.parametrize("name", SHORT)
def test_a_run_leaves_metrics_a_model_and_a_result(name: str, finished: dict[str, Path]) -> None:
    for folder in trials(finished[name]):
        result = json.loads((folder / "result.json").read_text())
        assert result["experiment"] == name and result["treatment"] == folder.parent.name
        assert result["iteration"] == result["settings"]["iterations"]
        rows = (folder / "metrics.csv").read_text().splitlines()
        assert (
            rows[0].split(",")[:2] == ["iteration", "loss"] and int(rows[-1].split(",")[0]) == result["iteration"]
        )
        with np.load(folder / "model.npz", allow_pickle=False) as model:
            stored = sum(model[key].size for key in model.files)
        tied = result["settings"].get("tied", False)
        assert stored == result["parameters"] or (tied and stored > result["parameters"])


def test_a_damaged_model_is_told_with_what_to_do(
    finished: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_folder = tmp_path / "run"
    shutil.copytree(finished["miconi2018-patterns50"], run_folder)
    (folder,) = trials(run_folder)
    (folder / "model.npz").write_bytes((folder / "model.npz").read_bytes()[:99])
    assert meta("show", folder) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    assert printed.err.endswith("remove its trial's folder to run the trial again with --resume\n")
    shutil.rmtree(folder)
    assert meta("run", "--resume", "--workers", "0", "--out", run_folder) == 0
    assert meta("show", folder) == 0


def test_runs_of_the_other_program_are_told_apart(
    finished: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from evo.__main__ import main as evo_main

    folder = finished["miconi2018-patterns50"]
    with pytest.raises(SystemExit) as ended:
        evo_main(["report", str(folder)])
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert "not one of this program: the run was made by: meta run miconi2018-patterns50" in message
    evo_main(["status", str(folder)])
    assert f"next: meta report {folder}" in capsys.readouterr().out


def test_the_model_kept_is_the_one_that_was_evaluated(finished: dict[str, Path]) -> None:
    """With averaging on, that is the average and not what the last step left."""
    (folder,) = (finished["miconi2019-ptb-awd"] / "modulated").glob("trial-*")
    with np.load(folder / "model.npz") as model, np.load(folder / "checkpoint.npz") as checkpoint:
        np.testing.assert_array_equal(model["embedding.weight"], checkpoint["task.average.0"])
        assert not np.array_equal(model["embedding.weight"], checkpoint["model.embedding.weight"])


def test_run_json_tells_how_to_make_the_run_again(finished: dict[str, Path], tmp_path: Path) -> None:
    for name in ("miconi2018-patterns", "miconi2019-ptb"):
        command = json.loads((finished[name] / "run.json").read_text())["command"].split()
        assert meta(*command[1:], "--workers", "0", "--out", tmp_path / name) == 0
        assert same_files(finished[name], tmp_path / name)


@pytest.mark.parametrize("name", SHORT)
@pytest.mark.parametrize("iteration", [2, 6, 8])
def test_stopped_anywhere_a_run_resumes_to_the_same_end(
    name: str, iteration: int, finished: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(BaseException):
        """As a kill: nothing catches it."""

    train, stopped = meta_trial.train, []

    def stopping(task: Any, folder: Any, progress: Any, *rest: Any) -> None:
        def stop(row: Mapping[str, Any]) -> None:
            progress(row)
            if folder.path not in stopped and row["iteration"] >= min(iteration, task.settings.iterations):
                stopped.append(folder.path)
                raise Stop

        train(task, folder, stop, *rest)

    monkeypatch.setattr(meta_trial, "train", stopping)
    for _ in trials(finished[name]):
        with pytest.raises(Stop):
            main(run(name, tmp_path / "run", "--workers", "0", "--resume"))
    assert meta("run", "--resume", "--workers", "0", "--out", tmp_path / "run") == 0
    assert len(stopped) == len(trials(finished[name]))
    assert same_files(finished[name], tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_workers_do_not_change_a_byte(name: str, finished: dict[str, Path], tmp_path: Path) -> None:
    command = run(name, tmp_path / "run", "--workers", "2")
    subprocess.run([sys.executable, str(script(tmp_path)), *command], check=True, capture_output=True)
    assert same_files(finished[name], tmp_path / "run")


def script(folder: Path) -> Path:
    """The command line as a file, for worker processes import the main module anew."""
    file = folder / "command_line.py"
    file.write_text(COMMAND)
    return file


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_killed_at_several_moments_a_run_resumes_to_the_same_end(
    name: str, finished: dict[str, Path], tmp_path: Path
) -> None:
    out, kills = tmp_path / "run", 0
    workers = "2" if name == "miconi2018-omniglot" else "0"
    command = [sys.executable, str(script(tmp_path)), *run(name, out, "--workers", workers, "--resume")]
    waits = [lambda: list(out.glob("run.json")), lambda: list(out.glob("*/trial-*/checkpoint.npz"))]
    for attempt in range(4):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
        begun = time.monotonic()
        there = waits[min(attempt, 1)]
        while process.poll() is None and not there():
            assert time.monotonic() - begun < 120
            time.sleep(0.002)
        # a later attempt is killed while it loads, or while it goes on
        time.sleep((0.0, 0.0, 1.5, 2.5)[attempt])
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)  # without its workers: they must notice by themselves
            kills += 1
        process.wait()
    assert kills >= 2
    assert meta("run", "--resume", "--workers", "0", "--out", out) == 0
    assert same_files(finished[name], out)


@pytest.mark.parametrize("name", SHORT)
def test_half_precision_runs(name: str, tmp_path: Path) -> None:
    more = ["--precision", "bfloat16", "--iterations", "4", "--log-every", "1", "--checkpoint-every", "2"]
    assert meta(*run(name, tmp_path / "run", "--workers", "0", *more)) == 0
    for folder in trials(tmp_path / "run"):
        assert json.loads((folder / "result.json").read_text())["settings"]["precision"] == "bfloat16"


@pytest.mark.parametrize("name", SHORT)
def test_a_training_that_diverges_ends_with_one_clear_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert meta(*run(name, tmp_path / "run", "--rate", "1e30", "--workers", "0")) == 2
    lines = capsys.readouterr().err.splitlines()
    assert "trials failed; try them again with: meta retry" in lines[-1]
    told = [line for line in lines if " failed: " in line]
    assert told and all("; try a smaller --rate or --" in line and "checkpoint" in line for line in told)
    for folder in trials(tmp_path / "run"):  # what finished nevertheless, as neurons do that saturate at once
        if (folder / "result.json").exists():
            with np.load(folder / "model.npz") as model:
                assert all(np.isfinite(model[key]).all() for key in model.files)


def test_the_last_good_checkpoint_outlives_a_divergence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "miconi2019-ptb"
    wild = ["--treatments", "plastic", "--decay", "1", "--clip", "0", "--rate", "60", "--workers", "0"]
    late = ["--iterations", "400", "--log-every", "1", "--checkpoint-every", "1"]
    assert meta(*run(name, tmp_path / "run", *wild, *late)) == 2
    assert " failed: FloatingPointError: " in capsys.readouterr().err
    (folder,) = trials(tmp_path / "run")
    assert not (folder / "result.json").exists()
    with np.load(folder / "checkpoint.npz") as checkpoint:
        model = [checkpoint[key] for key in checkpoint.files if key.startswith("model.")]
        assert 0 < int(checkpoint["iteration"]) < 400
    assert model and all(np.isfinite(value).all() for value in model)


SMOKE = "--scale smoke --workers 0"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("run nosuch", "experiment nosuch: no such experiment: allowed are miconi2018-patterns"),
        ("run", "EXPERIMENT: missing: allowed are"),
        (
            "run miconi2018-patterns --treatments cnn",
            "--treatments cnn: miconi2018-patterns has no such treatment",
        ),
        ("run miconi2018-patterns --scale huge", "--scale huge: allowed are paper, laptop, smoke"),
        ("run miconi2018-patterns --bits 1", "--bits 1: allowed is a whole number of 2 or more"),
        ("run miconi2018-patterns --rate fast", "--rate fast: allowed is a number of 0 or more"),
        ("run miconi2018-patterns --rate nan", "--rate nan: allowed is a number of 0 or more"),
        ("run miconi2018-patterns --rate inf", "--rate inf: allowed is a number of 0 or more"),
        ("run miconi2018-patterns --degraded 1.5", "--degraded 1.5: allowed is a number from 0 to 1"),
        ("run miconi2018-patterns --rule hebb", "--rule hebb: allowed is one of decaying, oja"),
        (
            "run miconi2018-patterns --precision float16",
            "--precision float16: allowed is one of float32, bfloat16",
        ),
        (
            "run miconi2018-patterns --network rnn --treatments rnn",
            "--network rnn: treatment rnn sets it: allowed",
        ),
        ("run miconi2018-patterns --colour red", "--colour red: not understood (see meta run"),
        ("run miconi2018-patterns --data generated", "--data generated: not understood"),
        ("run miconi2018-patterns --device cuda:77", "--device cuda:77: not on this machine: allowed are cpu"),
        ("run miconi2018-patterns --device tpu", "--device tpu: not on this machine: allowed are cpu"),
        (
            "run miconi2018-patterns --log-every 7",
            "--checkpoint-every 200: allowed are multiples of --log-every 7",
        ),
        ("run miconi2018-patterns --network lstm --input clamped", "--input clamped: allowed with --network lstm"),
        (
            f"run miconi2018-omniglot {SMOKE} --ways 21",
            "--ways 21: allowed are up to the 20 classes to train with",
        ),
        (f"run miconi2018-omniglot {SMOKE} --ways 11", "--ways 11: allowed are up to the 10 classes to test with"),
        (
            f"run miconi2018-omniglot {SMOKE} --shots 21",
            "--shots 21: allowed are up to the 20 drawings of a class",
        ),
        (f"run miconi2018-omniglot {SMOKE} --held-out 30", "--held-out 30: allowed are fewer than the 30 classes"),
        ("run miconi2018-omniglot --data letters", "--data letters: allowed is one of omniglot, generated"),
        (f"run miconi2019-ptb {SMOKE} --batch 3000", "--generated 5000: 5000 words: allowed are 27000 or more"),
        (f"run miconi2019-ptb {SMOKE} --cells 1 1", "--cells 1 1: too few to match the plain LSTM"),
        (f"run miconi2019-ptb {SMOKE} --cells 5 none", "--cells none: allowed is a whole number of 1 or more"),
        (
            f"run miconi2019-ptb {SMOKE} --data files --train-text no",
            "--train-text: no: cannot be read: No such file or directory",
        ),
        (
            f"run miconi2019-ptb {SMOKE} --treatments retroactive --rule oja",
            "--rule oja: allowed with --modulation",
        ),
        (f"run beaulieu2020-omniglot {SMOKE} --generated 10", "--generated 10: allowed are more"),
        (f"run beaulieu2020-omniglot {SMOKE} --treatments anml --redrawn *", "--redrawn: neuromodulation"),
        (
            f"run beaulieu2020-omniglot {SMOKE} --test-rates 0.1 0",
            "--test-rates 0.1 0.0: allowed are numbers above 0",
        ),
        (f"run frati2024-omniglot {SMOKE} --batch 2", "--batch 2: allowed with --learner alternating is 1"),
        ("run finn2017-sine --tensorboard /dev/null/a", "--tensorboard /dev/null/a: cannot be written"),
        ("run --config nothing.json", "nothing.json: cannot be read: No such file or directory"),
        ("list nothing", "experiment nothing: no such experiment"),
        ("dance", "invalid choice: 'dance'"),
        ("run duan2016-gymnasium --environment Pendulum-v1", "Pendulum-v1: its actions are Box"),
        ("run duan2016-gymnasium --environment Blackjack-v1", "may never end: allowed with --longest 1 or more"),
        ("run duan2016-gymnasium --environment Nowhere-v0", "--environment: Nowhere-v0: "),
        ("run wang2016-two-step --common 1.5", "--common 1.5: allowed is a number from 0 to 1"),
        ("run miconi2019-maze --side 10", "--side: 10: allowed are odd numbers of 5 or more"),
        ("run wang2016-bandits --arms 3 --treatments medium", "--arms: 3: allowed with kind 'medium' are 2"),
    ],
)
def test_bad_input_gets_one_line_and_code_2(
    arguments: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert meta(*arguments.split()) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("meta: ") and says in printed.err
    assert printed.err.count("\n") == 1 and printed.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("miconi2018-omniglot --data omniglot", "images_background.zip"),
        ("miconi2018-omniglot --tested omniglot", "images_background.zip"),
        ("miconi2018-images --data cifar10", "cifar-10-binary.tar.gz"),
        ("miconi2019-ptb --data ptb", "ptb.train.txt"),
    ],
)
def test_missing_data_are_told_with_the_place_the_flag_and_the_generated_default(
    arguments: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    folder = tmp_path / "data"
    for given in (["--data-folder", str(folder)], []):
        assert meta("run", *arguments.split(), *SMOKE.split(), *given, "--out", tmp_path / "run") == 2
        message = capsys.readouterr().err.splitlines()[-1]
        assert message.startswith("meta: ") and says in message and "--data-folder" in message
        assert "--data generated, which needs no" in message
        place = folder if given else Path(os.environ["NEUROMATERIALS_DATA"])
        assert str(place) in message
    assert not (tmp_path / "run").exists() and not folder.exists()


def test_text_with_unknown_words_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.txt").write_text("the cat sat on the mat\n" * 20)
    (tmp_path / "other.txt").write_text("the cat sat on the mat\n" * 4 + "the dog sat on the mat\n")
    texts = ["--train-text", "train.txt", "--validation-text", "train.txt", "--test-text", "other.txt"]
    command = ["run", "miconi2019-ptb", *SMOKE.split(), "--batch", "2", "--data", "files"]
    paths = [str(tmp_path / word) if word.endswith(".txt") else word for word in texts]
    assert meta(*command, *paths, "--out", tmp_path / "run") == 2
    message = capsys.readouterr().err
    assert (
        f"meta: --test-text: {tmp_path / 'other.txt'}: line 5: 'dog': allowed are the 6 words of the vocabulary"
        in message
    )
    assert message.count("\n") == 1 and not (tmp_path / "run").exists()


def test_text_by_path_is_read(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the cat sat on the mat\nthe <unk> sat\n" * 20)
    (tmp_path / "test.txt").write_text(
        "the dog sat on the mat\n" * 20
    )  # dog is unknown, and there is a word for it
    words = (
        f"--batch 2 --window 5 --cells 4 4 --iterations 2 --log-every 1 --checkpoint-every 2 --data files {SMOKE}"
    )
    names = ["--train-text", str(text), "--validation-text", str(text), "--test-text", str(tmp_path / "test.txt")]
    more = ["--treatments", "lstm", "--trials", "1", "--out", str(tmp_path / "run")]
    assert meta("run", "miconi2019-ptb", *words.split(), *names, *more) == 0


@pytest.mark.parametrize("damage", ["truncated", "empty", "of another experiment"])
def test_a_checkpoint_that_does_not_belong_gets_one_line(
    damage: str, finished: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, out = "miconi2018-patterns50", tmp_path / "run"
    assert meta(*run(name, out, "--workers", "0")) == 0
    (folder,) = trials(out)
    (folder / "result.json").unlink()
    checkpoint = folder / "checkpoint.npz"
    content = checkpoint.read_bytes()
    if damage == "truncated":
        checkpoint.write_bytes(content[: len(content) // 2])
    elif damage == "empty":
        checkpoint.write_bytes(b"")
    else:
        with np.load(finished["miconi2018-omniglot"] / "plastic" / "trial-000" / "checkpoint.npz") as other:
            arrays = {key: other[key] for key in other.files}
        length = (folder / "metrics.csv").stat().st_size
        np.savez(checkpoint, **arrays | {"metrics_bytes": np.array(length)})  # type: ignore[arg-type]
    capsys.readouterr()
    assert meta("run", "--resume", "--workers", "0", "--out", out) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("meta: ") and str(checkpoint) in message
    assert message.endswith("to start this trial over")
    checkpoint.unlink()
    assert meta("run", "--resume", "--workers", "0", "--out", out) == 0
    assert same_files(finished[name], out)


def test_a_folder_of_another_run_is_left_alone(
    finished: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    name = "miconi2018-patterns50"
    folder = finished[name]
    before = (folder / "run.json").read_bytes()
    assert meta(*run(name, folder)) == 2
    assert "holds another run" in capsys.readouterr().err
    assert meta(*run(name, folder, "--resume", "--seed", "5")) == 2
    assert "its seed is 1, not 5" in capsys.readouterr().err
    assert meta(*run("miconi2018-omniglot", folder, "--resume")) == 2
    assert "its experiment is miconi2018-patterns50" in capsys.readouterr().err
    assert (folder / "run.json").read_bytes() == before


def test_treatments_keep_what_they_set_themselves_and_a_line_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "javed2019-sine", "--scale", "smoke", "--iterations", "6", "--trials", "1", "--workers", "0"]
    assert meta(*command, "--treatments", "oml", "scratch", "--out", tmp_path / "run") == 0
    assert "--iterations 6: not for scratch: set by the treatment\n" in capsys.readouterr().err
    for treatment, iterations in (("oml", 6), ("scratch", 0)):
        result = json.loads((tmp_path / "run" / treatment / "trial-000" / "result.json").read_text())
        assert result["iteration"] == result["settings"]["iterations"] == iterations
    assert meta(*command, "--treatments", "scratch", "--out", tmp_path / "refused") == 2
    assert "--iterations 6: treatment scratch sets it: allowed are" in capsys.readouterr().err
    assert not (tmp_path / "refused").exists()


def test_list_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    assert meta("list") == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in SHORT)
    assert meta("list", "miconi2018-omniglot") == 0
    printed = capsys.readouterr().out
    assert "shared" in printed and "alpha one" in printed and "batched" in printed and "5-way" not in printed


@pytest.mark.parametrize("name", SHORT)
def test_help_shows_every_setting_of_an_experiment(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert meta("run", name, "--help") == 0
    printed = capsys.readouterr().out
    own = {"patterns": "--patterns", "images": "--pictures", "miconi2018-omniglot": "--ways", "ptb": "--window"}
    assert all(flag in printed for flag in ("--rate", "--checkpoint-every", "--data-folder", "--tensorboard"))
    for part, flag in own.items():
        assert (flag in printed) == (part in name)


def test_help_without_an_experiment_says_where_settings_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert meta("run", "--help") == 0
    printed = capsys.readouterr().out
    assert "`meta run EXPERIMENT --help` shows the settings" in printed and "--bits" not in printed


@pytest.mark.slow
def test_the_door_is_light() -> None:
    code = (
        "import meta, meta.launch, networks, sys; "
        "print([m for m in ('ray', 'matplotlib', 'torch', 'pandas') if m in sys.modules]); "
        "import networks.lstm, networks.recurrent, meta.training, meta.tasks.language; "
        "print([m for m in ('ray', 'matplotlib', 'pandas', 'numba', 'networkx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "[]"]


@pytest.mark.parametrize("package", [networks, meta_data])
def test_names_at_the_door_are_those_behind_it(package: ModuleType) -> None:
    assert all(getattr(package, name).__name__ == name for name in package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018
