"""Imports go downwards only, and importing is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import calm_ext

PACKAGE = Path(calm_ext.__file__).parent

# A module may import from lower layers and its own unit only. harness and training never import each other.
LAYERS: list[set[str]] = [
    {"errors", "options", "signature"},
    {"plugins"},
    {"languages", "models"},
    {"prompts", "records"},
    {"answers", "babel", "jsonl", "metrics"},
    {"data", "training", "voting"},
    {"pairing", "results", "retrieval"},
    {"harness", "report"},
    {"pipeline", "publish"},
    {"cli"},
]
RANK = {unit: rank for rank, units in enumerate(LAYERS) for unit in units}


def unit_of(module: str) -> str:
    return module.split(".")[1]


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("calm_ext"):
            names = [node.module] if node.module != "calm_ext" else [f"calm_ext.{a.name}" for a in node.names]
            found.update(n for n in names if n.count("."))
        elif isinstance(node, ast.Import):
            found.update(a.name for a in node.names if a.name.startswith("calm_ext."))
    return found


def test_imports_go_down() -> None:
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        own = relative.parts[0].removesuffix(".py")
        if own in ("__init__", "__main__"):
            continue
        assert own in RANK, f"calm_ext.{own} has no layer; give it one here"
        for module in imports_of(path):
            other = unit_of(module)
            if other == own or other.startswith("__"):
                continue
            if RANK[other] >= RANK[own]:
                wrong.append(f"{relative} imports {module}")
    assert not wrong, wrong


def test_only_their_owners_import_the_frameworks() -> None:
    owners = {
        "lm_eval": {"models", "harness", "cli"},
        "trl": {"training"},
        "peft": {"training", "publish"},
        "accelerate": {"training"},
    }
    for path in sorted(PACKAGE.rglob("*.py")):
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                top = name.split(".")[0]
                assert own in owners.get(top, {own}), f"{path}: imports {name}"


def test_help_loads_no_framework() -> None:
    code = (
        "import sys; from calm_ext.cli.main import cli; from click.testing import CliRunner; "
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0; "
        "heavy = {'torch', 'transformers', 'lm_eval', 'trl', 'matplotlib', 'numpy', 'datasets', 'pydantic'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent)
