"""The pages of docs/ that are generated from the code."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.errors import CalmError
from calm_ext.options import Section

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts/generate_docs.py"


@pytest.fixture(scope="module")
def script() -> Any:
    """scripts/generate_docs.py as a module."""
    spec = importlib.util.spec_from_file_location("generate_docs", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_generated_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_key_and_every_verb_is_on_its_page(script: Any) -> None:
    recipes, verbs = script.recipes(), script.command_line()
    for part in ("`name`", "`vote.rule`", "`training.learning_rate`", "`retrieval.k` | whole number, ≥ 1 | `3`"):
        assert part in recipes, part
    for verb in ("## calm-ext align", "## calm-ext vote", "### calm-ext recipes cp", "--stop-after"):
        assert verb in verbs, verb


def test_a_section_becomes_a_table(script: Any) -> None:
    class Paint(Section):
        coats: int | None = None
        """How many ``coats``,
        see :class:`calm_ext.options.Section`."""

    table = script._table("paint", Paint.model_fields)
    assert "| `paint.coats` | whole number | – | How many `coats`, see `Section`. |" in table


def test_a_function_becomes_an_entry(script: Any) -> None:
    def double(number: int, *, style: str = "plain") -> int:
        """Twice the number, see :func:`double`.

        Args:
            number: any ``int``.

        >>> double(2)
        4
        """
        return 2 * number

    text = "\n".join(script._entry("double", double))
    assert "double(number: int, *, style: str = 'plain') -> int" in text
    assert "- `number`: any `int`." in text
    assert "```python\n>>> double(2)\n4\n```" in text


def test_the_examples_of_contributing_are_python_that_imports_what_there_is() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 5
    for block in blocks:
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("calm_ext"):
                module = importlib.import_module(node.module)
                missing = [a.name for a in node.names if not hasattr(module, a.name)]
                assert not missing, f"{node.module} has no {', '.join(missing)}"


def test_the_worked_examples_of_own_questions_print_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page from top to bottom: its files are written and its commands run, each printing what stands below it."""
    page = (ROOT / "docs/own-questions.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    step = re.compile(
        r"`(?P<name>[\w.]+)`[^`\n]*:\n\n```(?:yaml|csv|jsonl)\n(?P<text>.*?)```"
        r"|```console\n\$ calm-ext (?P<command>.*?)\n(?P<output>.*?)```",
        flags=re.DOTALL,
    )
    written, ran = [], 0
    for found in step.finditer(page):
        if found["name"]:
            Path(found["name"]).write_text(found["text"], encoding="utf-8")
            written.append(found["name"])
            continue
        ran += 1
        done = CliRunner().invoke(cli, found["command"].split())
        error = f"error: {done.exception}\n" if isinstance(done.exception, CalmError) else ""
        printed = "".join(f"{line.rstrip()}\n" for line in done.output.splitlines()) + error
        assert printed == found["output"]
    assert written == [
        "fish.jsonl",
        "rivers.csv",
        "rivers.yaml",
        "my.yaml",
        "en.csv",
        "es.csv",
        "my.yaml",
        "fish.jsonl",
    ]
    assert ran == 6


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md")),
    ],
)
def test_links_lead_to_files(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


def test_the_files_that_contributing_names_exist() -> None:
    """Those of the map and of the path of a question; the examples' own files do not."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    part = text[text.index("## Where things live") : text.index("## Adding a method")]
    for name in re.findall(r"`([a-z_/]+\.(?:py|html|css))`", part):
        found = [folder / name for folder in (ROOT, ROOT / "calm_ext") if (folder / name).exists()]
        assert found, name
