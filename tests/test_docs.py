"""The pages of docs/ that are generated from the code."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from calm_ext.cli.main import main
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


def test_what_is_generated_is_up_to_date(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--check"])
    with pytest.raises(SystemExit) as ended:
        script.main()
    assert not ended.value.code, capsys.readouterr().err


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


# A file that a page shows, and a command with what it prints.
SHOWN = re.compile(
    r"`([\w.]+)`[^`\n]*:\n\n```(?:yaml|csv|jsonl)\n(.*?)```|```console\n\$ calm-ext (.*?)\n(.*?)```", re.DOTALL
)


@pytest.mark.parametrize(("page", "n"), [("own-questions.md", 6), ("troubleshooting.md", 15), ("languages.md", 1)])
def test_commands_of_a_page_print_what_it_says(
    page: str, n: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page from top to bottom: its files are written and its commands run, each printing what stands below it."""
    monkeypatch.chdir(tmp_path)
    commands = 0
    for name, content, command, output in SHOWN.findall((ROOT / "docs" / page).read_text(encoding="utf-8")):
        if name:
            Path(name).write_text(content, encoding="utf-8")
            continue
        commands += 1
        monkeypatch.setattr(sys, "argv", ["calm-ext", *shlex.split(command)])
        told = io.StringIO()
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told), pytest.raises(SystemExit):
            main()
        assert [line.rstrip() for line in told.getvalue().splitlines()] == output.splitlines(), command
    assert commands == n


def test_metrics_are_all_described_with_their_chance_values(script: Any) -> None:
    from calm_ext.metrics.names import DESCRIPTIONS, chance

    notes = script.metric_notes()
    assert set(notes) == {x for x in DESCRIPTIONS if "_unnorm" not in x}
    for name, entry in notes.items():
        for n, languages in ((2, 2), (4, 6), (5, 3)):
            value = chance(name.replace("<language>", "fr"), n_options=n, n_languages=languages)
            if name != "rankc":  # whose formula is a sum
                formula = entry.get("chance")
                found = None if formula is None else eval(formula.replace("^", "**"), {"n": n, "L": languages})
                assert found == (None if value is None else pytest.approx(value)), name


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "examples/README.md",
        "examples/cluster/README.md",
        *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md")),
    ],
)
def test_links_lead_to_files(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    heads = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", x) for x in re.findall(r"^#+ (.*)$", text, re.MULTILINE)]
    return {re.sub(r"[^\w\- ]", "", head.strip().lower()).replace(" ", "-") for head in heads}


def test_links_lead_to_headings() -> None:
    wrong = []
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path = page.parent / target if target else page
            if not target.startswith("http") and anchor not in anchors(path):
                wrong.append(f"{page.name}: {target}#{anchor}")
    assert not wrong, wrong


def test_pages_hold_no_placeholder() -> None:
    """What a page quotes is there: no name of an output that was to be put in."""
    for page in (*sorted((ROOT / "docs").glob("*.md")), ROOT / "examples/README.md"):
        found = re.findall(r"^(?:error: )?(?:[A-Z]+_OUTPUT|PLACEHOLDER|EX\d)$", page.read_text(encoding="utf-8"), re.M)
        assert not found, f"{page.name}: {found}"


def test_the_site_builds_without_a_warning_and_needs_no_network(tmp_path: Path) -> None:
    if importlib.util.find_spec("material") is None:
        pytest.skip("mkdocs-material is not installed; `make docs` installs it")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path / "site")],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    pages = sorted((tmp_path / "site").glob("*.html"))
    expected = {"index.html", "concepts.html", "contributing.html", "tasks.html", "examples.html"}
    assert expected <= {p.name for p in pages}
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|link)\b[^>]*\b(?:src|href)=\"?(https?:[^\" >]+)", text)
        assert not loaded, f"{page.name}: {loaded}"
        named = re.findall(r"<a [^>]*>(?:<code>)?([\w./-]+\.md)(?:</code>)?</a>", text)
        assert not named, f"{page.name}: a link is called {named}"
    index = (tmp_path / "site/search/search_index.js").read_text(encoding="utf-8")
    docs = json.loads(index[index.index("{") : index.rindex("}") + 1])["docs"]
    boost = {d["location"].partition("#")[0]: d.get("boost", 1) for d in docs}
    assert boost["changelog.html"] < boost["RESULTS.html"] < boost["align.html"] < boost["troubleshooting.html"]
    assert any("out of memory (OOM)" in d["title"] for d in docs if d["location"].startswith("troubleshooting"))
    assert "pre-wrap" in (tmp_path / "site/assets/site.css").read_text(encoding="utf-8")


def test_the_files_that_contributing_names_exist() -> None:
    """Those of the map and of the path of a question; the examples' own files do not."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    part = text[text.index("## Where things live") : text.index("## Adding a method")]
    for name in re.findall(r"`([a-z_/]+\.(?:py|html|css))`", part):
        found = [folder / name for folder in (ROOT, ROOT / "calm_ext") if (folder / name).exists()]
        assert found, name
