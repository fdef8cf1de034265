from __future__ import annotations

import numpy as np
import pytest

from cluster.errors import UserError
from meta.data.prepared import prepared


def arrays():
    return {"numbers": np.arange(6).reshape(2, 3), "words": np.array(["a", "bc"])}


def refuse():
    raise AssertionError("made again")


def same(left, right):
    return left.keys() == right.keys() and all(np.array_equal(left[name], right[name]) for name in left)


def test_arrays_are_made_once(prepared_folder):
    assert same(prepared("key", arrays), arrays())
    again = prepared("key", refuse)
    assert same(again, arrays())
    assert not again["numbers"].flags.writeable
    assert [path.name for path in prepared_folder.iterdir()] == ["key"]


def test_other_names_are_other_arrays():
    prepared("key", arrays)
    assert same(prepared("other", lambda: {"numbers": np.ones(2)}), {"numbers": np.ones(2)})


@pytest.mark.parametrize("damage", ["truncated", "emptied", "removed", "unlisted"])
def test_damaged_arrays_are_made_again(prepared_folder, damage):
    prepared("key", arrays)
    file = prepared_folder / "key" / ("arrays" if damage == "unlisted" else "numbers.npy")
    if damage in ("removed", "unlisted"):
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-8] if damage == "truncated" else b"")
    assert same(prepared("key", arrays), arrays())
    assert same(prepared("key", refuse), arrays())


def test_nothing_is_left_where_making_fails(prepared_folder):
    with pytest.raises(AssertionError):
        prepared("key", refuse)
    assert list(prepared_folder.iterdir()) == []


def test_objects_are_neither_written_nor_read(prepared_folder):
    with pytest.raises(ValueError, match="allow_pickle"):
        prepared("key", lambda: {"objects": np.array([{}, None])})
    assert list(prepared_folder.iterdir()) == []


def test_another_process_may_be_faster(prepared_folder):
    def slow():
        prepared("key", arrays)  # meanwhile, elsewhere
        return arrays()

    assert same(prepared("key", slow), arrays())
    assert [path.name for path in prepared_folder.iterdir()] == ["key"]


def test_a_folder_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NEUROMATERIALS_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"file/key: cannot be written: .*NEUROMATERIALS_CACHE"):
        prepared("key", arrays)
