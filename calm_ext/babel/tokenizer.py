"""Babel's tokenizer: one token a word, line break or punctuation mark.

A real ``PreTrainedTokenizerFast``, saved beside the model. White space between words carries nothing, so the encoding
of a prompt is always the beginning of the encoding of the prompt with its answer; decoding puts spaces back where a
writer would. No special token is added on encoding: sentences begin with their first word in pretraining, too. A
sentence ends with ``</s>``. There is no chat template, since Babel's model is a base model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from calm_ext.babel.world import BabelConfig, build_world
from calm_ext.languages import get_language
from calm_ext.prompts import LETTERS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, UNK, BOS, EOS = SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")
MARKS = ("\n", ":", "-", "?", ".", ",", "=")


def vocabulary(config: BabelConfig) -> list[str]:
    """All tokens in the order of their ids; special tokens come first, the padding token is 0."""
    world = build_world(config)
    words: list[str] = [*SPECIAL, *MARKS, *LETTERS, *world.entities]
    for code, lexicon in world.lexicons.items():
        row = get_language(code)
        words += [row.question, row.explanation, row.answer, lexicon.endonym, lexicon.of, lexicon.is_]
        words += [*lexicon.relations, *(word for values in lexicon.values for word in values)]
    # A model pretrained without passages has no tokens for their cue words, so that older models stay the same.
    return [*words, *(get_language(code).passage for code in world.lexicons)] if config.passages else words


def build_tokenizer(config: BabelConfig) -> PreTrainedTokenizerFast:
    """The tokenizer of a world."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocab = {word: number for number, word in enumerate(vocabulary(config))}
    backend = Tokenizer(models.WordLevel(vocab=vocab, unk_token=UNK))
    marks = Regex(r"\n|[:\-?.,=]")
    spaces = Regex(r"[^\S\n]+")
    splits = [pre_tokenizers.Split(marks, behavior="isolated"), pre_tokenizers.Split(spaces, behavior="removed")]
    backend.pre_tokenizer = pre_tokenizers.Sequence(splits)
    # Tokens are joined by spaces, then the spaces no writer would put are taken out.
    unspaced = [decoders.Replace(f" {mark}", mark) for mark in ("\n", ":", "?", ".", ",")]
    unspaced.append(decoders.Replace("\n ", "\n"))
    joined = [decoders.WordPiece(prefix="##", cleanup=False), decoders.Fuse()]
    backend.decoder = decoders.Sequence([*joined, *unspaced])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=PAD,
        unk_token=UNK,
        bos_token=BOS,
        eos_token=EOS,
        padding_side="left",
        model_max_length=256,
        clean_up_tokenization_spaces=False,
    )
