from __future__ import annotations

from pathlib import Path

import pytest

from meta.data import folder
from meta.data.folder import data_folder, find_file, prepared_folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    for variable in ("NEUROMATERIALS_DATA", "NEUROMATERIALS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(folder.sys, "platform", "linux")
    return tmp_path


def test_the_flag_goes_before_the_variable_and_the_variable_before_the_cache(home, monkeypatch):
    assert data_folder() == home / ".cache/neuromaterials"
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert data_folder() == Path("/somewhere/neuromaterials")
    monkeypatch.setenv("NEUROMATERIALS_DATA", "~/corpora")
    assert data_folder() == home / "corpora"
    assert data_folder("given") == Path("given")


def test_prepared_arrays_never_go_into_the_data_folder(home, monkeypatch):
    monkeypatch.setenv("NEUROMATERIALS_DATA", "/read-only")
    assert prepared_folder() == home / ".cache/neuromaterials/prepared"
    monkeypatch.setenv("NEUROMATERIALS_CACHE", "/scratch")
    assert prepared_folder() == Path("/scratch")


def test_the_cache_of_macos(home, monkeypatch):
    monkeypatch.setattr(folder.sys, "platform", "darwin")
    assert data_folder() == home / "Library/Caches/neuromaterials"


def test_a_file_may_lie_in_the_data_sets_own_folder_or_beside_it(tmp_path):
    assert find_file(tmp_path, "set", "a.zip") is None
    (tmp_path / "a.zip").touch()
    assert find_file(tmp_path, "set", "a.zip") == tmp_path / "a.zip"
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a.zip").touch()
    assert find_file(tmp_path, "set", "a.zip") == tmp_path / "set/a.zip"
