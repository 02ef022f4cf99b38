"""Pretrain Babel's model from scratch: a Llama of 0.4 million parameters, in about 80 s on one core.

The model is saved as an ordinary Hugging Face folder, so everything that loads a real model loads this one.
"""

from __future__ import annotations

import logging
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calm_ext.babel.corpus import sentences
from calm_ext.babel.tokenizer import build_tokenizer
from calm_ext.babel.world import BabelConfig
from calm_ext.disk.seal import damage_of, seal
from calm_ext.models.meter import in_model

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

logger = logging.getLogger(__name__)

#: Raise it whenever a change to this package changes the model that a config gives.
VERSION = 1

#: Threads of the matrix products. A second one saves a quarter of the time on idle cores, but where other processes
#: hold the cores the two wait for each other at every operation and a build took over ten times as long; and with one,
#: the sums do not depend on the number of cores.
N_THREADS = 1

#: Standard deviation of the first weights: 1/sqrt(hidden_size), about. With Llama's 0.02, which suits far wider models,
#: the tied embeddings begin so small that 500 steps do not leave the plateau at chance.
INITIALIZER_RANGE = 0.1

Progress = Callable[[int, int, float], None]


def cache_path(config: BabelConfig, *, cache_dir: str | os.PathLike[str] | None = None) -> Path:
    """The folder of a config's model, whether it exists already or not.

    Args:
        config: of the world and the model.
        cache_dir: parent folder; by default ``$CALM_CACHE_DIR/babel``, or else ``~/.cache/calm_ext/babel``.
    """
    if cache_dir is None:
        root = os.environ.get("CALM_CACHE_DIR")
        cache_dir = Path(root) / "babel" if root else Path.home() / ".cache" / "calm_ext" / "babel"
    return Path(cache_dir) / f"babel-v{VERSION}-s{config.seed}-{config.content_hash}"


def build(
    config: BabelConfig = BabelConfig(),  # noqa: B008 - frozen
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Path:
    """The folder of the pretrained model; trained now unless it was before.

    A build that is interrupted leaves nothing behind. Two builds at once do no harm: the first to end is kept. A folder
    whose files are not as they were written is made again.

    Args:
        config: of the world and the model.
        cache_dir: see :func:`cache_path`.
        progress: called as ``progress(step, n_steps, loss)`` after every step; by default a bar on stderr.

    Returns:
        A folder with config.json, generation_config.json, model.safetensors, the tokenizer and README.md.
    """
    target = cache_path(config, cache_dir=cache_dir)
    damage = damage_of(target)
    if damage is None:
        logger.info("babel: %s is there already", target)
        return target
    if target.exists():
        logger.warning("babel: %s %s; it is made again", target, damage)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    folder = temporary / "model"
    try:
        folder.mkdir()
        tokenizer = build_tokenizer(config)
        model, loss = train(config, tokenizer, progress=progress)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / "README.md").write_text(_card(config, model.num_parameters(), loss), encoding="utf-8")
        seal(folder)
        if damage_of(target) is not None:
            if target.exists():
                os.replace(target, temporary / "damaged")
            try:
                os.replace(folder, target)
            except OSError:  # another process was first
                if damage_of(target) is not None:
                    raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def train(
    config: BabelConfig, tokenizer: PreTrainedTokenizerFast, *, progress: Progress | None = None
) -> tuple[LlamaForCausalLM, float]:
    """Train the model of a config on its corpus; PyTorch's global random state is left as it was.

    Returns:
        The model in evaluation mode, and the mean loss of the last tenth of the steps (nats per token).
    """
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=config.n_layers,
        num_attention_heads=config.n_heads,
        num_key_value_heads=config.n_heads,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        initializer_range=INITIALIZER_RANGE,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = LlamaForCausalLM(shape)
    model.train()
    n_steps = max(1, config.corpus_size // config.batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, betas=(0.9, 0.98), fused=True)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _schedule(step, n_steps))
    losses: list[float] = []
    with _threads(N_THREADS), _Reporter(n_steps, progress) as report:
        for step, groups in enumerate(_batches(config, tokenizer), 1):
            optimizer.zero_grad(set_to_none=True)
            n_labels = sum(int((labels != -100).sum()) for _, labels in groups)
            total = 0.0
            with in_model(sum(ids.numel() for ids, _ in groups)):
                for ids, labels in groups:
                    loss = _sum_loss(model, ids, labels) / n_labels
                    loss.backward()
                    total += loss.item()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
            scheduler.step()
            losses.append(total)
            report(step, n_steps, losses[-1])
    model.eval()
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    tail = losses[-max(1, n_steps // 10) :]
    return model, sum(tail) / len(tail)


@contextmanager
def _threads(n: int) -> Iterator[None]:
    """Let PyTorch use n threads for a while."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _schedule(step: int, n_steps: int) -> float:
    warmup = max(1, n_steps // 20)
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, n_steps - warmup)))


def _sum_loss(model: LlamaForCausalLM, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Summed cross-entropy over the positions with a label; only they go through the output layer."""
    import torch

    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    wanted = labels[:, 1:] != -100
    return torch.nn.functional.cross_entropy(model.lm_head(hidden[wanted]), labels[:, 1:][wanted], reduction="sum")


Padded = tuple["torch.Tensor", "torch.Tensor"]


def _batches(config: BabelConfig, tokenizer: PreTrainedTokenizerFast) -> Iterator[list[Padded]]:
    """A step's sentences as two padded groups, short and long ones, so that little is computed on padding."""
    corpus = iter(sentences(config))
    backend, eos = tokenizer.backend_tokenizer, tokenizer.eos_token_id
    for _ in range(max(1, config.corpus_size // config.batch_size)):
        part = list(islice(corpus, config.batch_size))
        contexts = [e.ids for e in backend.encode_batch([s.context for s in part], add_special_tokens=False)]
        rests = [[*e.ids, eos] for e in backend.encode_batch([s.continuation for s in part], add_special_tokens=False)]
        pairs = sorted(zip(contexts, rests, strict=True), key=lambda pair: len(pair[0]))
        # The cut is where the two rectangles hold the fewest tokens.
        longest = len(pairs[-1][0])
        cut = min(range(len(pairs)), key=lambda i: i * len(pairs[i - 1][0]) + (len(pairs) - i) * longest)
        yield [_pad(group, tokenizer.pad_token_id) for group in (pairs[:cut], pairs[cut:]) if group]


def _pad(pairs: Sequence[tuple[list[int], list[int]]], pad: int) -> Padded:
    """Token ids and labels, (sentences, length) each; padding and contexts have label -100.

    The padding is on the right, where causal attention needs no mask for it.
    """
    import torch

    length = max(len(context) + len(rest) for context, rest in pairs)
    ids = torch.full((len(pairs), length), pad, dtype=torch.long)
    labels = torch.full((len(pairs), length), -100, dtype=torch.long)
    for row, (context, rest) in enumerate(pairs):
        end = len(context) + len(rest)
        ids[row, :end] = torch.tensor([*context, *rest])
        labels[row, len(context) : end] = torch.tensor(rest)
    return ids, labels


class _Reporter:
    """Context manager that gives the function to report steps to: the caller's, or one that moves a bar on stderr."""

    def __init__(self, n_steps: int, progress: Progress | None) -> None:
        self._progress = progress
        self._n_steps = n_steps
        self._bar: Any = None

    def __enter__(self) -> Progress:
        if self._progress is not None:
            return self._progress
        from tqdm import tqdm

        self._bar = tqdm(total=self._n_steps, desc="pretraining Babel", unit="step", dynamic_ncols=True)
        return self._move

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def _move(self, step: int, n_steps: int, loss: float) -> None:
        self._bar.update(1)
        if step % 10 == 0 or step == n_steps:
            self._bar.set_postfix(loss=f"{loss:.3f}")


def _card(config: BabelConfig, n_parameters: int, loss: float) -> str:
    shares = ", ".join(f"{c} {s:.0%}" for c, s in zip(config.languages, config.language_shares, strict=True))
    return (
        "---\nlibrary_name: transformers\npipeline_tag: text-generation\nlicense: apache-2.0\n"
        f"language: [{', '.join(config.languages)}]\n---\n\n# Babel, seed {config.seed}\n\n"
        f"A Llama base model of {n_parameters:,} parameters, pretrained from scratch by `calm_ext.babel` on "
        f"{config.corpus_size:,} sentences of a synthetic world of {config.n_entities} entities, {config.n_relations} "
        f"relations and {config.n_languages} invented languages, whose corpora hold different shares of the world's "
        f"facts ({shares}); last training loss {loss:.3f} nats per token. It is a test bed for cross-lingual "
        "consistency and knows nothing about the real world.\n"
    )
