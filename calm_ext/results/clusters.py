"""Which questions belong together: several of one passage, or of one subject, say.

A cluster key is ``id:PATTERN``, a regular expression whose first group (else whose whole match) in the question's id is
the cluster, or a field of the logged documents: ``doc.link``, ``doc.meta.subject``, or ``link`` for short::

    --cluster doc.link          # lm-eval's own Belebele tasks: questions of one passage
    --cluster 'id:(.+)/'        # the same by their ids, which are link/number
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calm_ext.errors import CalmError, DataError


class ClusterError(DataError):
    """A question whose cluster the key does not give."""


_ID = "id:"


@dataclass(frozen=True)
class ClusterKey:
    """A key as the user wrote it; ``pattern`` of the id, or else ``field`` of the document, without ``doc.``."""

    text: str
    pattern: re.Pattern[str] | None = None
    field: str = ""

    def of_id(self, identity: str, where: str) -> str:
        """The cluster of a question by its id.

        Raises:
            ClusterError: the id does not match, or the key needs a document and there is none.
        """
        if self.pattern is None:
            raise ClusterError(f"{where}: has no documents, so no {self.field}; write --cluster 'id:PATTERN'")
        match = self.pattern.search(identity)
        found = match and (match[1] if self.pattern.groups else match[0])
        if not found:
            raise ClusterError(f"{where}: the id {identity[:80]} does not match --cluster {self.text}")
        return str(found)

    def of_doc(self, identity: str, doc: Mapping[str, Any], where: str) -> str:
        """The cluster of a question by its logged document, or by its id.

        Raises:
            ClusterError: the document has no such field, or no text or number in it; the id does not match.
        """
        if self.pattern is not None:
            return self.of_id(identity, where)
        value: Any = doc
        if self.field in doc:
            value = doc[self.field]
        else:
            for name in self.field.split("."):
                value = value.get(name) if isinstance(value, Mapping) else None
        if value is None or isinstance(value, (Mapping, list)):
            raise ClusterError(
                f"{where}: has no text or number in {self.field} (--cluster); there are {', '.join(doc)}"
            )
        return str(value).strip()


def cluster_key(text: str | None) -> ClusterKey | None:
    """The key that a user wrote; None for none.

    Raises:
        CalmError: the pattern is no regular expression, or the key is empty.

    >>> cluster_key("id:(.+)/").of_id("https://a/b/1", "here"), cluster_key("doc.link").field
    ('https://a/b', 'link')
    """
    if text is None:
        return None
    if not text.startswith(_ID):
        field = text.removeprefix("doc.")
        if not field:
            raise CalmError(f"--cluster {text}: a field of the documents, or id:PATTERN, was expected")
        return ClusterKey(text, field=field)
    try:
        pattern = re.compile(text.removeprefix(_ID))
    except re.error as error:
        raise CalmError(f"--cluster {text}: is no regular expression ({error})") from None
    if not pattern.pattern:
        raise CalmError(f"--cluster {text}: the pattern after id: is empty")
    return ClusterKey(text, pattern)
