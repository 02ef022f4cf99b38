"""The questions of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from calm_ext.data import SOURCES, Source
from calm_ext.errors import CalmError
from calm_ext.files.expected import did_you_mean
from calm_ext.languages.codes import LanguageCode
from calm_ext.options import OneOf, Section


class DataOptions(Section):
    """The questions that are asked; no gold label is used, but by the vote rule `gold`."""

    source: Annotated[str, OneOf(SOURCES)] = "babel"
    """A data source; `calm-ext data ls` lists them."""
    languages: list[LanguageCode] | None = Field(None, min_length=2)
    """Codes of languages; default: the source's own."""
    split: str | None = None
    """One of the source's splits; default: its first, in a recipe `train` where there is one."""
    limit: int | None = Field(None, ge=1)
    """How many questions to take, from the first on; default: all."""
    data_dir: str | None = None
    """Directory or base URL of the source's files; default: `$CALM_DATA_DIR`."""
    path: str | None = None
    """The questions JSONL of source `local`."""
    spec: str | None = None
    """The YAML of source `columns`, which describes the columns of a benchmark of your own."""
    args: dict[str, Any] = Field(default_factory=dict, json_schema_extra={"flag": "set", "metavar": "KEY=VALUE"})
    """Further options of the source; `calm-ext data ls` names them."""

    def load_options(self, *, babel_seed: int = 0) -> dict[str, Any]:
        """What the source's loader receives besides split and languages (``Source.options``)."""
        own = {
            "data_dir": self.data_dir,
            "path": self.path,
            "spec": self.spec,
            **({"seed": babel_seed} if self.source == "babel" else {}),
        }
        names = SOURCES[self.source].option_names
        return {key: value for key, value in own.items() if key in names} | self.args

    @property
    def described(self) -> Source:
        """The source, with the splits and languages of the recipe's spec where it needs one."""
        return SOURCES[self.source].resolved({"spec": self.spec} if self.spec else {})

    def problems(self) -> list[str]:
        """What types cannot say, one line each, beginning with the key."""
        found = []
        if self.source == "local":
            if self.path is None:
                found.append("data.path: missing, data.source is local")
            elif not Path(self.path).is_file():
                found.append(f"data.path: no such file: {self.path}")
        if self.source == "columns":
            try:
                entry = self.described
                found += self._split_problems(entry, str(self.spec))
            except CalmError as error:
                found.append(f"data.spec: {error}" if self.spec else "data.spec: missing, data.source is columns")
        else:
            found += self._split_problems(SOURCES[self.source], self.source)
        if SOURCES[self.source].evaluation_only:
            found.append(f"data.source: the licence of {self.source} allows evaluation only, not training on it")
        if self.data_dir and not self.data_dir.startswith("http") and not Path(self.data_dir).is_dir():
            found.append(f"data.data_dir: no such directory: {self.data_dir}")
        keys = {"data_dir": "data.data_dir", "path": "data.path", "spec": "data.spec"} | (
            {"seed": "babel.seed"} if self.source == "babel" else {}
        )
        found += [f"data.args.{x}: give {keys[x]} instead" for x in self.args if x in keys]
        try:
            SOURCES[self.source].read_options(self.args)
        except CalmError as error:
            found.append(f"data.args: {error}")
        return found

    def _split_problems(self, source: Source, name: str) -> list[str]:
        wanted = self.split.split("+") if self.split else []
        lacking = [x for x in wanted if source.splits and x not in source.splits]
        return [
            f"data.split: {name} has no split {x!r}{did_you_mean(x, source.splits)}; it has {', '.join(source.splits)}"
            for x in lacking
        ]
