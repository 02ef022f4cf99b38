"""The records of a run: what one line of each JSONL file holds.

Every record is frozen and refuses unknown keys. :mod:`calm_ext.jsonl` reads and writes them.
"""

from calm_ext.records.answers import Generation, Prediction
from calm_ext.records.base import Names, Prompt, Record
from calm_ext.records.passages import CorpusPassage, Passage, Passages
from calm_ext.records.questions import ParallelQuestion, Version
from calm_ext.records.votes import ANCHOR, POOLED, Ballot, Exercise, Group, Member, Pair

__all__ = [
    "ANCHOR",
    "POOLED",
    "Ballot",
    "CorpusPassage",
    "Exercise",
    "Generation",
    "Group",
    "Member",
    "Names",
    "Pair",
    "ParallelQuestion",
    "Passage",
    "Passages",
    "Prediction",
    "Prompt",
    "Record",
    "Version",
]
