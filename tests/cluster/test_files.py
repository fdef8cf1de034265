import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cluster.errors import UserError
from cluster.files import read_arrays, read_json, write_arrays, write_atomic, write_json


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.json"
    write_json(file, {"a": 1})

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        write_json(file, {"a": 2})
    assert read_json(file) == {"a": 1}
    assert list(tmp_path.iterdir()) == [file]


def test_arrays_come_back_as_they_were_and_files_are_equal_bit_for_bit(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6, dtype=np.int8).reshape(2, 3), "b": np.array([1.5, np.nan])}
    for name in ("one.npz", "two.npz"):
        write_arrays(tmp_path / name, arrays)
    back = read_arrays(tmp_path / "one.npz")
    assert set(back) == {"a", "b"} and all(np.array_equal(back[k], arrays[k], equal_nan=True) for k in ("b",))
    assert back["a"].dtype == np.int8 and np.array_equal(back["a"], arrays["a"])
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_file_gives_one_line(tmp_path: Path, share: float) -> None:
    file = tmp_path / "checkpoint.npz"
    write_arrays(file, {"a": np.arange(1000)})
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UserError) as error:
        read_arrays(file)
    assert str(file) in str(error.value) and "\n" not in str(error.value)


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.npz"
    write_arrays(file, {"a": np.arange(1000)})
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(UserError, match="corrupt"):
        read_arrays(file)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.npz"
    touched = tmp_path / "touched"

    class Attack:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (touched,)

    np.savez(file, a=np.array([Attack()], dtype=object))
    with pytest.raises(UserError):
        read_arrays(file)
    assert not touched.exists() and zipfile.is_zipfile(file)


@pytest.mark.parametrize(
    ("content", "says"), [(b"{", "not a JSON file"), (b"[1]", "list"), (b"\xff", "not a JSON")]
)
def test_bad_json_gives_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    write_atomic(tmp_path / "run.json", content)
    with pytest.raises(UserError, match=says):
        read_json(tmp_path / "run.json")
