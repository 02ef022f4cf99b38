"""The style of generations is that of their prompts: letters are not written where none were shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.errors import CalmError
from calm_ext.jsonl import write_jsonl
from calm_ext.prompts import Style, ask
from calm_ext.records import Generation, Pair
from calm_ext.voting.asked import style_asked, style_of

OPTIONS = {"en": ["the sea", "the air"], "fr": ["la mer", "l'air"], "zh": ["海里", "空中"]}
QUESTIONS = {"en": "Where do fish live?", "fr": "Où vivent les poissons ?", "zh": "鱼生活在哪里？"}
STYLES: list[Style] = ["explain", "direct", "open"]


def asked(style: Style, *, chat: bool = False, **more: Any) -> list[Generation]:
    found = []
    for code, options in OPTIONS.items():
        text = ask(code, QUESTIONS[code], options, style, **more)
        said = [options[0]] * 3
        prompt: Any = [{"role": "user", "content": f"{text}"}] if chat else f"<s>{text}"
        found.append(
            Generation(
                id="q",
                language=code,
                question=QUESTIONS[code],
                options=options,
                answer=0,
                prompt=prompt,
                responses=said,
            )
        )
    return found


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("more", [{}, {"chat": True}, {"passages": ["Fish. They live in the sea."]}])
def test_it_is_read_from_prompts(style: Style, more: dict[str, Any]) -> None:
    generations = asked(style, **more)
    assert [style_of(g) for g in generations] == [style] * 3
    assert style_asked(generations, None, where="g.jsonl") == style == style_asked(generations, style, where="g.jsonl")
    other: Style = "direct" if style == "explain" else "explain"
    with pytest.raises(CalmError, match=f"--style {other}: the questions of g.jsonl were asked in style {style}"):
        style_asked(generations, other, where="g.jsonl")


def test_prompts_of_others_are_taken_as_the_user_says() -> None:
    foreign = [g.model_copy(update={"prompt": "Q: fish?"}) for g in asked("direct")]
    assert style_asked(foreign, None, where="g") == "explain" and style_asked(foreign, "open", where="g") == "open"
    scored = [g.model_copy(update={"option_logprobs": [-1.0, -2.0], "responses": []}) for g in asked("direct")]
    assert style_asked(scored, None, where="g") == "explain"


def test_pairs_have_the_form_of_the_prompts(tmp_path: Path) -> None:
    """`answer_only` wrote "Answer: B. …" where the model had seen no letters, with no --style."""
    generations, ballots, pairs = (tmp_path / f"{x}.jsonl" for x in "gbp")
    rows = asked("direct")
    rows[2] = rows[2].model_copy(update={"responses": [OPTIONS["zh"][1]] * 3})
    write_jsonl(generations, rows)
    for command in (
        ["vote", generations, "-o", ballots, "--rule", "majority"],
        ["pairs", ballots, generations, "-o", pairs, "--fallback", "answer_only"],
    ):
        done = CliRunner().invoke(cli, list(map(str, command)), catch_exceptions=False)
        assert done.exit_code == 0, done.output
    made = [Pair.model_validate_json(line) for line in pairs.read_text().splitlines()]
    (fallen_back,) = [pair for pair in made if pair.origin == "answer_only"]
    assert fallen_back.language == "zh" and fallen_back.chosen.strip() == "海里"
    with pytest.raises(CalmError, match="asked in style direct; leave --style out"):
        CliRunner().invoke(cli, ["pairs", str(ballots), str(generations), "--style", "explain"], catch_exceptions=False)
