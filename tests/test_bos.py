"""One BOS token in a prompt, whoever brings it: in training and its watch as in sampling, scoring and evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tokenizers.processors import TemplateProcessing

from calm_ext.data import load_questions
from calm_ext.models.lm import SharedPrefixLM, load_lm
from calm_ext.models.request import encode_prompt
from calm_ext.models.scoring import encode_continuation
from calm_ext.prompts import ask
from calm_ext.records import Pair
from calm_ext.training.asking import Examiner
from calm_ext.training.encoding import encode_chosen
from calm_ext.training.monitor import encode_pairs

TEMPLATES = {
    "with BOS": "{{ bos_token }}{% for m in messages %}{{ m.role }} : {{ m.content }} \n {% endfor %}",
    "without": "{% for m in messages %}{{ m.role }} : {{ m.content }} \n {% endfor %}",
}


@pytest.fixture(scope="module")
def lm(babel_model: Path) -> SharedPrefixLM:
    return load_lm(str(babel_model), dtype="float32", device="cpu", batch_size=8)


@pytest.fixture(params=["nothing", "bos", "bos bos"])
def tokenizer(request: pytest.FixtureRequest, lm: SharedPrefixLM) -> Any:
    """One that adds no BOS token, one, or two."""
    tokenizer = lm.tokenizer
    bos = tokenizer.bos_token
    added = request.param.replace("bos", bos) if request.param != "nothing" else ""
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{added} $A".strip(), special_tokens=[(bos, tokenizer.bos_token_id)]
    )
    lm._recent.clear()
    return tokenizer


def pair(prompt: Any) -> Pair:
    return Pair(id="q", language="qaa", prompt=prompt, chosen=" Talor", rejected=" Ruvo", chosen_answer=0,
                rejected_answer=1, margin=1.0, origin="native")  # fmt: skip


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("kind", ["plain", "text of the template", "conversation"])
def test_a_prompt_is_trained_as_it_was_sampled(kind: str, template: str, lm: SharedPrefixLM, tokenizer: Any) -> None:
    tokenizer.chat_template = TEMPLATES[template]
    turns = [{"role": "user", "content": "Ruvo : Talor"}]
    text = "Ruvo : Talor" if kind == "plain" else lm.apply_chat_template(turns)
    sampled = lm.tok_encode(text.rstrip())
    n = sampled.count(tokenizer.bos_token_id)
    assert n <= 1
    if kind != "plain" and template == "with BOS":
        assert n == 1
    given = pair(turns if kind == "conversation" else text)
    (row,) = encode_pairs([given], tokenizer, append_eos=True, max_length=999).rows
    (chosen,) = encode_chosen([given], tokenizer, append_eos=True, max_length=999).rows
    assert row["prompt_ids"] == chosen["prompt_ids"] == sampled
    assert encode_prompt(tokenizer, text.rstrip()) == sampled
    assert encode_continuation(tokenizer, text, " Talor")[0] == sampled
    for side in (row["chosen_ids"], row["rejected_ids"], chosen["chosen_ids"]):
        assert tokenizer.bos_token_id not in side
    assert tokenizer.decode(row["chosen_ids"]).strip().startswith("Talor")


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("mode", ["generate", "options"])
def test_the_watch_asks_as_it_was_sampled(
    mode: str, chat: bool, template: str, lm: SharedPrefixLM, tokenizer: Any
) -> None:
    tokenizer.chat_template = TEMPLATES[template]
    style: Any = "direct" if mode == "generate" else "cloze"
    (question, *_) = load_questions("babel", split="test", languages=["qaa"], limit=1)
    version = question.versions["qaa"]
    text = ask("qaa", version.question, version.options, style)
    if chat:
        text = lm.apply_chat_template([{"role": "user", "content": text}])
    (item,) = Examiner(tokenizer, mode, style, chat, 8).encode([question])
    assert item.prompt == lm.tok_encode(text if mode == "generate" else text.rstrip())
