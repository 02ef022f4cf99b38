"""Fixtures: no hub, a cache of its own, a tiny but real model, and the real data where it is."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from calm_ext.records import ParallelQuestion
    from tests.chromium import Page

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TORCH_COMPILE_DISABLE", "1")

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"


# The files that take longest, first: of two processes none then waits for the other's last file.
LONGEST = (
    "training",
    "ordeals",
    "pipeline",
    "study",
    "grpo",
    "install",
    "methods",
    "losses",
    "processes",
    "checkpoints",
    "extend",
    "align",
    "tune",
    "fidelity",
    "report",
    "shared_prefix",
    "benchmarks",
    "screen",
    "kept",
    "groups",
    "watch",
    "voting",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first; in a file nothing changes."""
    place = {f"test_{name}.py": i for i, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture
def own_head() -> Iterator[None]:
    """TRL's output layer, put back after the test."""
    from calm_ext.training import trl_internals

    names = (trl_internals.USE_TRITON, trl_internals.LOGPROBS)
    before = {name: getattr(trl_internals.UTILS, name) for name in names}
    yield
    for name, value in before.items():
        setattr(trl_internals.UTILS, name, value)


@pytest.fixture(scope="session")
def make_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Makes a folder by a function, once for all processes of pytest-xdist: the others wait for it.

    It is read by many tests: one that changes it takes a copy.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def make(name: str, function: Callable[[Path], object]) -> Path:
        folder, made = shared / name, shared / f"{name}.made"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                function(folder)
                made.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def paper_data() -> Path:
    """The mirror of the paper's repository beside the project."""
    folder = SHARED / "wangym2-CALM"
    if not folder.is_dir():
        pytest.skip("../shared/data/wangym2-CALM is not here")
    return folder


@pytest.fixture(scope="session")
def babel_model(make_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Babel's world 0 with a model that was pretrained for a few seconds only: real, and bad at it."""
    from calm_ext.babel import BabelConfig, build
    from calm_ext.babel.pretrain import cache_path

    config = BabelConfig(seed=0, n_sentences=6400, hidden_size=48, n_layers=2, intermediate_size=96)
    cache = make_once("babel", lambda folder: build(config, cache_dir=folder, progress=lambda *_: None))
    return cache_path(config, cache_dir=cache)


@pytest.fixture(scope="session")
def small_run(babel_model: Path, make_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A finished run, as small as one can be that has all its parts; its recipe is :func:`tests.small.small_recipe`."""
    from calm_ext.pipeline.run import Pipeline
    from tests.small import small_recipe

    return make_once("small_run", lambda folder: Pipeline(small_recipe(babel_model), folder / "run").run()) / "run"


@pytest.fixture(scope="session")
def view_results(make_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Results of many models, hostile names and texts among them (:mod:`tests.view_results`)."""
    from tests.view_results import make_results

    return make_once("view_results", make_results)


@pytest.fixture(scope="session")
def pages(view_results: Path, make_once: Callable[[str, Callable[[Path], object]], Path]) -> dict[str, Path]:
    """A page of each kind, by name (:mod:`tests.pages`)."""
    from tests.pages import make_pages, pages_in

    return pages_in(make_once("pages", lambda folder: make_pages(folder, view_results)))


@pytest.fixture(scope="module")
def tab() -> Iterator[Page]:
    """A tab of a browser on a wide screen, for the pages of a module's tests."""
    from tests.chromium import Page

    with Page(width=1280) as page:
        yield page


@pytest.fixture
def questions_file(tmp_path: Path) -> Path:
    """Forty of Babel's train questions in three languages."""
    from calm_ext.data import load_questions
    from calm_ext.jsonl import write_jsonl

    path = tmp_path / "questions.jsonl"
    write_jsonl(path, load_questions("babel", split="train", languages=["qaa", "qab", "qac"], limit=40))
    return path


@pytest.fixture
def questions(questions_file: Path) -> list[ParallelQuestion]:
    """Those of the file."""
    from calm_ext.jsonl import read_jsonl
    from calm_ext.records import ParallelQuestion

    return list(read_jsonl(questions_file, ParallelQuestion))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Two threads wait for each other longer than they compute, with models this small."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
