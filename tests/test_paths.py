"""A model's path: a folder here, or a name on the hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from calm_ext.models.paths import local_folder


def test_folders_and_names_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org/here").mkdir(parents=True)
    (tmp_path / "file").touch()
    for path in ("/a", "./a", "../a", "a/b/c", "models/gemma-3-270m", str(tmp_path), "org/here", "org"):
        assert local_folder(path) == Path(path), path
    for path in ("gpt2", "org/model", "babel", "file", "", "x" * 5000, "a\0b"):
        assert local_folder(path) is None, path
    assert local_folder("~/a") == Path.home() / "a"
    assert local_folder("~nobody-of-that-name/a") == Path("~nobody-of-that-name/a")
