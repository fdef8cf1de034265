from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from meta.data import data_folder


@pytest.fixture(autouse=True)
def prepared_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing that a test prepares reaches the user's cache."""
    folder = tmp_path_factory.mktemp("prepared")
    monkeypatch.setenv("NEUROMATERIALS_CACHE", str(folder))
    return folder


@pytest.fixture
def real() -> Callable[..., Path]:
    """The user's data folder, if it holds the files named; else the test is skipped."""

    def found(*names: str) -> Path:
        folder = data_folder()
        for name in names:
            if not (folder / name).is_file():
                pytest.skip(f"needs {name} in the data folder")
        return folder

    return found
