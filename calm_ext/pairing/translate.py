"""Put a response of one language into another: one that has no right answer of its own, or where pooled every one.

The paper translates the explanation and writes the option after it (https://github.com/wangym2/CALM,
``construct_DPO_data_`` in ``utils/votingfunc.py``); so does this. What translates is a
:class:`Restater`: a local sequence-to-sequence model, or a causal model that is asked to, such as the one that is being
aligned. Neither is downloaded: it is a folder, or in the hub's local cache. A translation is used only where
its answer is read as the winner, it is in the language, does not repeat itself, and does not speak for another option.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from calm_ext.answers.read import contradicts, read_answer
from calm_ext.answers.thoughts import Marks
from calm_ext.errors import CalmError
from calm_ext.jsonl import Appender, read_jsonl
from calm_ext.languages import LANGUAGES, get_language
from calm_ext.languages.scripts import share_in_script
from calm_ext.models.batches import in_batches
from calm_ext.models.device import choose_dtype, find_device
from calm_ext.models.meter import count_tokens, in_model
from calm_ext.models.request import encode_prompt
from calm_ext.models.trust import loading
from calm_ext.pairing.donors import Wanted, wanted_translations
from calm_ext.pairing.options import PairingOptions
from calm_ext.prompts import Style, answer_text, explanation_cue
from calm_ext.records import Ballot, Generation, Record

_SENTENCE = re.compile(r"[.!?。！？।۔\n]+")
# A base model goes on with the next pair of the pattern after its translation.
_AFTER = re.compile(r"\n\s*\n|\n[^\n:：]{1,20}[:：]")


class Restater(Protocol):
    """Says texts in another language."""

    def restate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """The texts, written in ``source``, in ``target`` (codes), in their order; empty where it fails."""


class Restated(Record):
    """A response put into another language.

    Attributes:
        donor: SHA-256 of the explanation that was translated.
        by: what translated it; a translation is used again only where ``donor`` and ``by`` are the same.
        text: the translated explanation.
    """

    id: str
    language: str
    source: str
    donor: str
    by: str
    text: str


def restate_missing(
    ballots: Mapping[str, Ballot],
    generations: Callable[[], Iterable[tuple[str, Generation]]],
    restater: Restater,
    *,
    style: Style,
    cache: Path,
    options: PairingOptions | None = None,
    by: str = "",
    thoughts: Marks = (),
    batch_size: int = 16,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[tuple[str, str], str], Counter[str]]:
    """(question id, language) -> a chosen response, for the languages that have rejected ones and none of their own.

    Where chosen responses are pooled it is for all languages that have rejected ones; the language of the explanation
    gets it as it is.

    Args:
        options: which responses may be chosen and rejected.
        cache: JSONL to which translations are appended; those that are there already are not made again.
        by: names the restater in the cache.
        thoughts: marks of thoughts besides the known ones.
        batch_size: explanations that are translated at once; fewer where memory does not suffice.
        progress: called with how many are done, and of how many.

    Returns:
        the responses, and how many translations were thrown away for what reason.
    """
    options = options or PairingOptions()
    wanted = list(wanted_translations(ballots, generations(), options, style, thoughts))
    foreign = [w for w in wanted if w.language != w.source]
    done: dict[tuple[str, str, str], str] = {}
    if cache.exists():
        Appender(cache).close()  # cuts an incomplete last line
        old = read_jsonl(cache, Restated, allow_empty=True)
        done = {(r.id, r.language, r.donor): r.text for r in old if r.by == by}
    todo = [w for w in foreign if (w.id, w.language, w.donor) not in done]
    todo.sort(key=lambda w: (w.source, w.language))
    with Appender(cache) as appender:

        def translate(batch: Sequence[Wanted]) -> list[Restated]:
            texts = restater.restate([w.explanation for w in batch], batch[0].source, batch[0].language)
            rows = [
                Restated(id=w.id, language=w.language, source=w.source, donor=w.donor, by=by, text=text)
                for w, text in zip(batch, texts, strict=True)
            ]
            appender.append(rows)
            done.update({(r.id, r.language, r.donor): r.text for r in rows})
            if progress:
                progress(len(done), len(foreign))
            return rows

        for _, alike in groupby(todo, key=lambda w: (w.source, w.language)):
            in_batches(list(alike), batch_size, translate)
    texts_of = {(g.id, g.language): g.options for _, g in generations()} if wanted else {}
    found: dict[tuple[str, str], str] = {}
    refused: Counter[str] = Counter()
    for w in wanted:
        winner = ballots[w.id].winner
        assert winner is not None
        explanation = w.explanation if w.language == w.source else done[w.id, w.language, w.donor].strip()
        own = texts_of[w.id, w.language]
        text = explanation + answer_text(w.language, own, winner, style)
        if w.cued:
            text = explanation_cue(w.language) + text
        reason = _refusal(explanation, text, w, own, winner, options)
        if reason:
            refused[reason] += 1
        else:
            found[w.id, w.language] = text
    return found, refused


def _refusal(
    explanation: str, text: str, wanted: Wanted, texts: Sequence[str], winner: int, options: PairingOptions
) -> str | None:
    """Why a translation cannot be used."""
    if not explanation:
        return "empty or cut off"
    if explanation == wanted.explanation and wanted.language != wanted.source:
        return "not translated"
    sentences = Counter(s.strip() for s in _SENTENCE.split(explanation) if len(s.strip()) > 8)
    if sentences and max(sentences.values()) > 2:
        return "repeats itself"
    if not _is_in(explanation, wanted.language, wanted.source):
        return "in another language"
    if read_answer(text, texts, wanted.language) != winner:
        return "names another answer"
    against = options.drop_contradictions and contradicts(text, texts, winner, wanted.language)
    return "speaks for another option" if against else None


def _is_in(text: str, language: str, source: str) -> bool:
    """Whether a text is in the language's script, and more like that language than like its source."""
    import py3langid

    script = get_language(language).script
    # Japanese and Chinese share characters; kana counts for both, and Latin names are allowed for.
    share = share_in_script(text, "Jpan" if script in {"Hans", "Hant"} else script)
    if (share is not None and share < 0.5) or not any(c.isalpha() for c in text):
        return False
    likeness = dict(py3langid.rank(text))
    own, other = language.split("-")[0], source.split("-")[0]
    unknown = own not in likeness or other not in likeness  # Babel's
    return unknown or own == other or likeness[own] > likeness[other]


# --- the models -------------------------------------------------------------------------------------------------------


def load_restater(
    path: str,
    *,
    device: str | None = None,
    dtype: str = "auto",
    max_new_tokens: int = 256,
    template_args: Mapping[str, Any] | None = None,
) -> Restater:
    """A restater from a local model, of the kind that its configuration says.

    Args:
        device: ``cuda``, ``cpu``, …; by default the first there is.
        dtype: ``auto``: bfloat16 where the machine is faster in it.
        max_new_tokens: of a translation.
        template_args: for the chat template, where the model is asked by one.

    Raises:
        CalmError: there is no such folder, and no such model in the local cache; there is no such device.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError):
        raise CalmError(
            f"{path}: no model folder (with config.json), nor in the local cache; translation never uses the network"
        ) from None
    place = find_device(device)
    dtype = choose_dtype(dtype, device=place)
    if config.is_encoder_decoder:
        return Seq2SeqRestater(path, device=place, dtype=dtype, max_new_tokens=max_new_tokens)
    return CausalRestater(path, device=place, dtype=dtype, max_new_tokens=max_new_tokens, template_args=template_args)


def _ended(output: Any, eos: int | Sequence[int] | None) -> list[bool]:
    """Whether each row came to an end of its own; one that did not is cut off."""
    ends = set(eos) if isinstance(eos, (list, tuple)) else {eos}
    return [bool(ends & set(row)) for row in output.tolist()]


class Seq2SeqRestater:
    """A translation model: NLLB, M2M100, mBART, T5, or Marian (which knows one pair of languages only)."""

    def __init__(self, path: str, *, device: str, dtype: str, max_new_tokens: int) -> None:
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        model: Any = AutoModelForSeq2SeqLM.from_pretrained(path, local_files_only=True, dtype=dtype, **loading(False))
        self.model = model.eval().to(device)
        self.max_new_tokens = max_new_tokens

    def restate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """See :class:`Restater`."""
        import torch

        own = list(texts)
        extra: dict[str, Any] = {}
        codes = getattr(self.tokenizer, "additional_special_tokens", None) or []
        into = self._code(target, codes)
        if hasattr(self.tokenizer, "src_lang"):
            self.tokenizer.src_lang = self._code(source, codes)
            begin = self.tokenizer.get_lang_id(into) if hasattr(self.tokenizer, "get_lang_id") else None
            extra["forced_bos_token_id"] = self.tokenizer.convert_tokens_to_ids(into) if begin is None else begin
        elif self.model.config.model_type in ("t5", "mt5"):
            own = [f"translate {get_language(source).name} to {get_language(target).name}: {t}" for t in own]
        inputs = self.tokenizer(own, return_tensors="pt", padding=True).to(self.model.device)
        with torch.inference_mode(), in_model(inputs["input_ids"].numel()):
            output = self.model.generate(**inputs, max_new_tokens=self.max_new_tokens, do_sample=False, **extra)
        count_tokens(output.numel())
        said = self.tokenizer.batch_decode(output, skip_special_tokens=True)
        ended = _ended(output, self.model.generation_config.eos_token_id)
        return [str(t).strip() if end else "" for t, end in zip(said, ended, strict=True)]

    def _code(self, language: str, codes: Sequence[str]) -> str:
        """The model's own code of a language."""
        spelled = (get_language(language).flores or language, language)
        known = {str(c).strip("_") for c in codes} | set(getattr(self.tokenizer, "lang_code_to_token", None) or {})
        for code in (*spelled, *sorted(c for c in known if c.split("_")[0] == language)):
            if code in known:
                return code
        return spelled[0] if any(row.flores in known for row in LANGUAGES.values()) else language


class CausalRestater:
    """A causal model that is asked to translate: by its chat template where it has one, else by a two-line pattern."""

    def __init__(
        self,
        path: str,
        *,
        device: str,
        dtype: str,
        max_new_tokens: int,
        template_args: Mapping[str, Any] | None = None,
    ) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(
            path, local_files_only=True, trust_remote_code=False, padding_side="left"
        )
        self.template_args = dict(template_args or {})
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        model: Any = AutoModelForCausalLM.from_pretrained(path, local_files_only=True, dtype=dtype, **loading(False))
        self.model = model.eval().to(device)
        self.max_new_tokens = max_new_tokens

    def restate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """See :class:`Restater`."""
        import torch

        prompts = [encode_prompt(self.tokenizer, self._prompt(text, source, target)) for text in texts]
        inputs = self.tokenizer.pad({"input_ids": prompts}, return_tensors="pt")
        inputs = {k: inputs[k].to(self.model.device) for k in ("input_ids", "attention_mask")}
        with torch.inference_mode(), in_model():
            output = self.model.generate(
                **inputs,
                max_new_tokens=self.max_new_tokens,
                do_sample=False,
                pad_token_id=self.tokenizer.pad_token_id,
            )
        count_tokens(output.numel())
        new = output[:, inputs["input_ids"].shape[1] :]
        said = self.tokenizer.batch_decode(new, skip_special_tokens=True)
        ended = _ended(new, self.model.generation_config.eos_token_id)
        found = []
        for text, end in zip(said, ended, strict=True):
            first, *more = _AFTER.split(str(text).strip(), maxsplit=1)
            found.append(first.strip() if end or more else "")
        return found

    def _prompt(self, text: str, source: str, target: str) -> str:
        a, b = get_language(source), get_language(target)
        if not self.tokenizer.chat_template:
            return f"{a.name}: {' '.join(text.split())}\n{b.name}:"
        ask = f"Translate this text from {a.name} into {b.name} ({b.endonym}). Write the translation only.\n\n{text}"
        made: str = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": ask}], tokenize=False, add_generation_prompt=True, **self.template_args
        )
        return made
