"""Dense search: a local sentence-transformers model (Reimers and Gurevych 2019), cosine by one product with all rows.

A question is encoded alone, never in a batch, so that what is found for it depends on nothing else. Some models want to
be told what a text is (``query: …`` and ``passage: …`` of E5): the prompts that a model's own files name are used, and
prefixes that are given replace them. Models come from a folder and are never fetched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calm_ext.errors import CalmError, DataError
from calm_ext.files.decode import decoded, short
from calm_ext.files.places import check_file
from calm_ext.models.meter import in_model

if TYPE_CHECKING:
    import numpy as np

_BLOCK = 1024


class Embedder:
    """A model that embeds questions and passages.

    Args:
        device: where it computes, as ``cpu`` or ``cuda:1``; default: the first GPU there is, else the CPU.

    Attributes:
        folder: where the model is.
        name: its folder's name, for messages and fingerprints.
        sha256: of the contents of all its files.
        longest: how many tokens of a text it reads; None where it does not say.
        cut_off: how many passages so far were longer than that: their ends are not searched.
    """

    def __init__(
        self, folder: str | Path, *, query_prefix: str = "", passage_prefix: str = "", device: str | None = None
    ) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise CalmError(f"{folder}: no such folder; dense search needs a sentence-transformers model in a folder, "
                            f"as `hf download NAME --local-dir FOLDER` makes one")  # fmt: skip
        self.name = self.folder.resolve().name
        self.sha256 = hash_of(self.folder)
        self.query_prefix, self.passage_prefix = query_prefix, passage_prefix
        self._model = _load(self.folder, device)
        self.longest: int | None = getattr(self._model, "max_seq_length", None)
        self.cut_off = 0

    def query(self, text: str) -> np.ndarray:
        """The embedding of a question, shape (dimensions,), float32, of length 1."""
        prompt = {"prompt": self.query_prefix} if self.query_prefix else {}
        with in_model():
            found = self._model.encode_query([text], **self._options, **prompt)
        return self._checked(found)[0]

    def passages(self, texts: Iterable[str]) -> Iterator[np.ndarray]:
        """The embeddings of passages, in blocks of shape (at most 1,024, dimensions).

        They are encoded in batches, so that a passage's last digits may depend on its neighbours; once in an index they
        are fixed.
        """
        prompt = {"prompt": self.passage_prefix} if self.passage_prefix else {}
        rest = iter(texts)
        while block := list(islice(rest, _BLOCK)):
            self.cut_off += self._too_long(block)
            with in_model():
                found = self._model.encode_document(block, **self._options, **prompt)
            yield self._checked(found)

    _options = {"normalize_embeddings": True, "convert_to_numpy": True, "show_progress_bar": False}

    def _checked(self, found: Any) -> np.ndarray:
        import numpy as np

        values = np.asarray(found, dtype=np.float32)
        if not np.isfinite(values).all():
            raise DataError(f"{self.folder}: gives embeddings that are not numbers")
        return values

    def _too_long(self, texts: list[str]) -> int:
        tokenizer = getattr(self._model, "tokenizer", None)
        if not self.longest or not callable(tokenizer):
            return 0
        prefixed = [self.passage_prefix + text for text in texts]
        return sum(len(ids) > self.longest for ids in tokenizer(prefixed, truncation=False, verbose=False)["input_ids"])


def _load(folder: Path, device: str | None) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise CalmError("dense search needs sentence-transformers: pip install 'calm-ext[dense]'") from None
    _refuse_code(folder)
    try:
        return SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except Exception as error:  # whatever the model's files make transformers raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{folder}: is not a model that sentence-transformers can load ({reason})") from None


def _refuse_code(folder: Path) -> None:
    """Refuse a model of classes of its own, which older versions of sentence-transformers import from any folder.

    Raises:
        DataError: it names one, or cannot be read.
    """
    file = folder / "modules.json"
    if not file.exists():
        return
    try:
        check_file(file)
        modules = decoded(file.read_bytes(), strict=False)
        kinds = [str(module["type"]) for module in modules]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{file}: cannot be read ({error}); fetch the model again") from None
    own = [kind for kind in kinds if not kind.startswith("sentence_transformers.")]
    if own:
        raise DataError(f"{file}: names Python code that the model brings, {short(own[0])}, which an index never runs")


@lru_cache(maxsize=8)
def hash_of(folder: Path) -> str:
    """SHA-256 over the names and contents of a model's files, hidden ones left out."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        relative = path.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts):
            continue
        digest.update(f"{relative.as_posix()}\n{path.stat().st_size}\n".encode())
        with path.open("rb") as handle:
            while block := handle.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
