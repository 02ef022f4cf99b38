"""The arrays of an index: mapped from their files, and of the kind and length that they must have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from calm_ext.errors import DataError
from calm_ext.files.places import check_file

if TYPE_CHECKING:
    import numpy as np

_WORDS = {"f": "numbers", "i": "whole numbers", "u": "hashes"}


def mapped(path: Path, kind: Literal["f", "i", "u"], *, length: int | None = None, ndim: int = 1) -> np.ndarray:
    """The array of a ``.npy`` file, mapped and not read.

    Args:
        kind: numpy's letter for floats, signed or unsigned whole numbers.
        length: of its first axis, where that is known.

    Raises:
        DataError: there is none, or it is of another kind, shape or length.
    """
    import numpy as np

    try:
        check_file(path)
        # A plain view of the map: numpy.memmap costs some microseconds a slice.
        found = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except Exception as error:  # what numpy raises for a broken header has no common base
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(f"{path}: cannot be read ({reason}); build the index again") from None
    if found.dtype.kind != kind or found.ndim != ndim or (length is not None and len(found) != length):
        many = f"{length:,} " if length is not None else ""
        raise DataError(f"{path}: is damaged: {many}{_WORDS[kind]} were expected; build the index again")
    return found
