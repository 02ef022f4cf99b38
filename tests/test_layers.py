"""The shape of the package: imports go downwards, none goes in a circle, modules are short, and importing is cheap."""

from __future__ import annotations

import ast
import configparser
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import calm_ext
from tests.conftest import ROOT

PACKAGE = Path(calm_ext.__file__).parent

# From bottom to top. A module imports from earlier rows and from its own folder only.
FOLDERS = {
    "errors": "what goes wrong, one class a kind",
    "files": "YAML and JSON that people write, folders to write into, a file in several processes",
    "options": "Section, the base of every option class",
    "plugins": "the registry of what a third package may add",
    "signature": "how a number was made, in one string",
    "languages": "all that depends on a language",
    "models": "loading, scoring, sampling; the backends",
    "prompts": "how a question is asked",
    "records": "the lines of the JSONL files",
    "jsonl": "reading and writing them",
    "disk": "digests, seals, one writer, lines that are checked",
    "answers": "from a response to an option",
    "metrics": "accuracy, consistency, intervals, tests",
    "babel": "the miniature world",
    "data": "sources of questions, and the proof that they are parallel",
    "voting": "from samples to a winner",
    "training": "from pairs to an adapter; the only user of TRL",
    "pairing": "from ballots to pairs",
    "results": "the reader of lm-eval's files",
    "api": "the Python interface, on data in memory",
    "retrieval": "indices, passages, their quality",
    "harness": "tasks, sampling and evaluation with lm-eval",
    "report": "plots, page, card, leaderboard, view",
    "checkup": "a first look at a model: what to ask, what it shows, a card",
    "publish": "merge and push",
    "pipeline": "a recipe, its stages, its run directory",
    "study": "a recipe over settings, seeds and folds, and tests of claims",
    "cli": "the shell's words for all of it",
}
ROW = {folder: row for row, folder in enumerate(FOLDERS)}

# Framework -> the folders that may import it.
OWNERS = {
    "lm_eval": {"models", "harness", "cli"},
    "trl": {"training"},
    "peft": {"training", "publish"},
    "accelerate": {"training"},
}

MAX_LINES = 320
# Modules that are longer, with their present length: they may only get shorter.
LONG = {}

MODULES = sorted(PACKAGE.rglob("*.py"))


def folder_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def name_of(path: Path) -> str:
    return ".".join(["calm_ext", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")


NAMES = {name_of(path) for path in MODULES}


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(node: ast.AST) -> list[str]:
    """The modules that an import statement names; of ``from package import module`` the module."""
    if isinstance(node, ast.Import):
        return [a.name for a in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        inner = [f"{node.module}.{a.name}" for a in node.names]
        return [x if x in NAMES else node.module for x in inner]
    return []


def at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported: not those of functions, nor those for type checkers."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from at_import(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            for part in ("body", "orelse", "finalbody"):
                yield from at_import(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from at_import(handler.body)


def test_every_folder_has_a_row() -> None:
    present = {folder_of(path) for path in MODULES} - {"__init__", "__main__"}
    assert present == set(FOLDERS), "give every folder of calm_ext one row in FOLDERS, and no other"


def test_imports_go_down() -> None:
    wrong = []
    for path in MODULES:
        own = folder_of(path)
        if own.startswith("__"):
            continue
        for module in {x for node in ast.walk(tree(path)) for x in imported(node)}:
            parts = module.split(".")
            if parts[0] == "calm_ext" and len(parts) > 1 and parts[1] != own and ROW.get(parts[1], -1) >= ROW[own]:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {module}")
    assert not wrong, wrong


def test_no_module_imports_itself_through_others() -> None:
    graph = {
        name_of(path): {x for node in at_import(tree(path).body) for x in imported(node) if x in NAMES}
        for path in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def bound(path: Path) -> set[str]:
    """The names that a module has once it is imported; all that ``__getattr__`` may give is written in it, too."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {a.asname or a.name for a in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
    return names


def test_what_scripts_and_benchmarks_import_is_there() -> None:
    """Nothing else runs them all."""
    modules = {name_of(path): path for path in MODULES}
    wrong = []
    for place in ("benchmarks", "scripts", "examples"):
        for path in sorted((ROOT / place).rglob("*.py")):
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "calm_ext":
                    known = bound(modules[node.module]) if node.module in modules else set()
                    gone = [
                        a.name for a in node.names if a.name not in known and f"{node.module}.{a.name}" not in modules
                    ]
                    wrong += [f"{path.relative_to(ROOT)}: {node.module}.{name}" for name in gone]
    assert not wrong, wrong


def test_the_package_itself_holds_few_modules() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 8


def test_modules_are_short() -> None:
    lengths = {str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    long = {name: n for name, n in lengths.items() if n > MAX_LINES}
    assert not {name: n for name, n in long.items() if n > LONG.get(name, 0)}, "split them by concept"


def test_every_package_is_in_setup_cfg() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = setup["options"]["packages"].split()
    present = {name_of(path) for path in MODULES if path.name == "__init__.py"}
    elsewhere = {"calm_ext.recipes", "calm_ext.recipes.accelerate", "calm_ext.recipes.studies", "lm_eval.tasks.calm"}
    assert set(listed) == present | elsewhere
    assert listed == sorted(listed)


CITED = re.compile(r"\b(?:DESIGN|BASELINES|MOVES\.txt)\b|\bsection \d+\)|\bissues? #?\d+\b|/work/shared")


def test_nothing_cites_what_a_reader_does_not_have() -> None:
    """Design papers and issue numbers lie outside of the project; what a reader needs stands in the code or in docs/."""
    suffixes = {".py", ".md", ".yaml", ".cfg", ".toml", ".jinja", ".html", ".css", ".js"}
    places = ("calm_ext", "tests", "scripts", "benchmarks", "examples", "docs", "lm_eval_tasks", "recipes")
    paths = [p for place in places for p in sorted((ROOT / place).rglob("*")) if p.suffix in suffixes]
    paths += [ROOT / x for x in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "setup.cfg")]
    found = []
    for path in paths:
        if not path.is_file() or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if CITED.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_only_their_owners_import_the_frameworks() -> None:
    for path in MODULES:
        own = folder_of(path)
        for node in ast.walk(tree(path)):
            for name in imported(node):
                assert own in OWNERS.get(name.split(".")[0], {own}), f"{path}: imports {name}"


def test_help_loads_no_framework() -> None:
    code = (
        "import sys; from calm_ext.cli.main import cli; from click.testing import CliRunner; "
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0; "
        "heavy = {'torch', 'transformers', 'lm_eval', 'trl', 'matplotlib', 'numpy', 'datasets', 'pydantic', 'langcodes'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent)
