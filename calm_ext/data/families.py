"""How other people's lm-eval tasks of a parallel benchmark are recognised in logs, and how their lines are read."""

from __future__ import annotations

from calm_ext.options import Section


class Family(Section):
    """Tasks of one language each that ask the same questions, as lm-eval has them for many benchmarks."""

    task: str
    """Regular expression of the whole task name, with a group `language`; a group `part` (a subject, say) joins the
    key."""
    key: str | list[str] = "doc_id"
    """What identifies a question in every language: fields of a logged line, as `doc.sample_id`, or `doc_id`."""
    target: str = "target"
    """The field of a logged line that holds the right answer, or a constant number of the option."""
    form: str = "auto"
    """How the target is written: zero_based, one_based, letter, text; `auto` reads numbers from 0 and letters."""
    benchmark: str | None = None
    """The benchmark that these tasks ask, where that is another one than the file's."""
