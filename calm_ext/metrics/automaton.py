"""py3langid's classifier over many texts at once.

langid.py (Lui and Baldwin 2012, https://aclanthology.org/P12-3005) runs a text's bytes through an automaton and counts
the features that its states stand for. py3langid does it byte by byte in Python; here one step of NumPy takes the next
byte of all texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: Texts from which a step of NumPy is faster than Python's.
_FEW = 12


class Automaton:
    """The tables of a py3langid identifier, whose languages are chosen and whose ``norm_probs`` is set, as arrays.

    Raises:
        AttributeError: the identifier is of a version of py3langid that keeps other tables.
    """

    def __init__(self, identifier: Any) -> None:
        import numpy as np

        self._encode = identifier._encode
        self._moves, self._output = np.asarray(identifier.tk_nextmove), np.asarray(identifier.tk_output)
        self._rows = np.asarray(identifier.tk_row).astype(np.int64) << 8
        self._weights = np.asarray(identifier.nb_ptc).astype(np.float32)
        self._prior = np.asarray(identifier.nb_pc).astype(np.float64)
        #: The languages; what py3langid has two models of comes once.
        self.labels: list[str] = list(identifier.labels)
        self._columns = np.asarray([self.labels.index(x) for x in identifier.nb_classes])

    def probabilities(self, texts: Sequence[str]) -> Any:
        """What ``identifier.rank`` gives for each text: an array of floats (texts, :attr:`labels`), 0 to 1.

        Sums are of 64-bit floats, so that the numbers differ from py3langid's by some 1e-6.
        """
        import numpy as np

        data = [self._encode(text) for text in texts]
        owners, features = self._features(data)
        n_features = len(self._weights)
        keys, counts = np.unique(owners * n_features + features, return_counts=True)
        owners, features = np.divmod(keys, n_features)
        scores = np.zeros((len(data), len(self._columns)))
        if len(keys):
            starts = np.flatnonzero(np.diff(owners, prepend=-1))
            found = np.log1p(counts)[:, None] * self._weights[features]
            scores[owners[starts]] = np.add.reduceat(found, starts, axis=0) + self._prior
        scores /= np.sqrt([[len(x) or 1] for x in data]) if data else 1
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        merged = np.zeros((len(data), len(self.labels)))
        for column, label in enumerate(self._columns):
            merged[:, label] += scores[:, column]
        return merged / merged.sum(axis=1, keepdims=True)

    def _features(self, data: Sequence[bytes]) -> tuple[Any, Any]:
        """Which text has which feature; as often as it has it."""
        import numpy as np

        order = sorted(range(len(data)), key=lambda i: -len(data[i]))
        lengths = [len(data[i]) for i in order]
        joined = np.frombuffer(b"".join(data[i] for i in order), dtype=np.uint8)
        places = np.cumsum(lengths, dtype=np.int64) - lengths
        active = len(data)
        states = np.zeros(active, dtype=np.int64)
        passed = []
        for at in range(lengths[_FEW - 1] if active >= _FEW else 0):
            while lengths[active - 1] <= at:
                active -= 1
            states = self._moves.take(self._rows.take(states[:active]) + joined.take(places[:active] + at))
            passed.append(states)
        output = self._output.take(np.concatenate([np.zeros(0, np.int64), *passed]))
        hits = np.flatnonzero(output >= 0)
        place = np.asarray(order, dtype=np.int64)
        owners = [np.concatenate([np.zeros(0, np.int64), *(place[: len(x)] for x in passed)])[hits]]
        features = [output[hits]]
        for i in range(min(active, _FEW)):  # the ends of the longest ones
            rest = self._walk(int(states[i]), data[order[i]][len(passed) :])
            owners.append(np.full(len(rest), order[i]))
            features.append(np.asarray(rest, dtype=np.int64))
        return np.concatenate(owners), np.concatenate(features)

    def _walk(self, state: int, rest: bytes) -> list[int]:
        moves, rows, output = self._moves, self._rows, self._output
        found = []
        for byte in rest:
            state = moves[rows[state] + byte]
            if output[state] >= 0:
                found.append(output[state])
        return found
