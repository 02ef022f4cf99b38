"""What a file of one language holds: rows, before they are joined into parallel questions."""

from __future__ import annotations

#: (question, options, answer or None)
Row = tuple[str, list[str], int | None]
