"""What the outcome of a stage depends on: recipe keys, what earlier stages made, and the world outside, by content.

Kept in the manifest, so that a stage that is out of date can say why.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from calm_ext.data import SOURCES
from calm_ext.disk.digests import content_of, digest
from calm_ext.disk.models import model_content
from calm_ext.options import Section
from calm_ext.pipeline.schema import Recipe

#: Files of a folder of data that a source may read.
_DATA = (".json", ".jsonl", ".parquet", ".tsv", ".csv", ".txt", ".yaml", ".yml", ".gz", ".bz2", ".xz", ".zip", ".zst")


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Everything that the outcome of a stage depends on, as JSON-able values.

    Attributes:
        keys: recipe key -> value.
        made: earlier stage -> what it wrote, each file with its SHA-256.
        world: what lies outside of the run, in words -> a digest of its content; its name where that is all there is.
        more: what has no name that a user knows.
    """

    keys: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    world: Mapping[str, Any] = field(default_factory=dict)
    more: Sequence[Any] = ()

    def identity(self, stage: str) -> str:
        """The input hash of a stage."""
        return digest(stage, asdict(self))

    def record(self) -> dict[str, Any]:
        """What the manifest keeps of it."""
        return {
            "keys": dict(self.keys),
            "made": {stage: digest(files) for stage, files in self.made.items()},
            "world": dict(self.world),
        }

    def changes_since(self, record: Any) -> list[str]:
        """What is not as in a record of the manifest, in words.

        >>> Needs(keys={"training.beta": 5.0}).changes_since({"keys": {"training.beta": 0.1}, "made": {}, "world": {}})
        ['training.beta was 0.1 and is 5.0']
        """
        if not isinstance(record, Mapping) or not all(
            isinstance(record.get(x), Mapping) for x in ("keys", "made", "world")
        ):
            return ["what it was made from is not known"]
        now = self.record()
        found = []
        for key in dict.fromkeys((*record["keys"], *now["keys"])):
            old, new = (_shown(x["keys"], key) for x in (record, now))
            if old != new:
                found.append(f"{key} was {old} and is {new}")
        made, world = (
            [x for x in dict.fromkeys((*record[part], *now[part])) if record[part].get(x) != now[part].get(x)]
            for part in ("made", "world")
        )
        found += [f"stage {stage} has made something else since" for stage in made]
        found += [f"{what} has changed" for what in world]
        return found or ["something else that it depends on has changed"]


def _shown(keys: Mapping[str, Any], key: str) -> str:
    value = keys.get(key)
    text = "not set" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:40]}… ({digest(text)[:6]})"


def section(part: Any) -> Any:
    """A section of a recipe as JSON-able values; None where it is absent."""
    return None if part is None else part.model_dump(mode="json")


def keys_of(part: Section | None, name: str, *, but: Collection[str] = ()) -> dict[str, Any]:
    """The keys of a section of a recipe, as the recipe names them."""
    values = section(part) or {}
    return {f"{name}.{key}": value for key, value in values.items() if key not in but}


def some_keys(part: Section, name: str, *only: str) -> dict[str, Any]:
    """Some keys of a section."""
    return {key: value for key, value in keys_of(part, name).items() if key.removeprefix(f"{name}.") in only}


def asking_keys(recipe: Recipe) -> dict[str, Any]:
    """How the model is asked, as far as prompts and the reading of responses depend on it."""
    return some_keys(recipe.sampling, "sampling", "mode", "style", "chat_template", "template_args", "thoughts")


def model_keys(recipe: Recipe) -> dict[str, Any]:
    """The keys that decide which model it is: not where it runs, nor whose code is trusted."""
    found = some_keys(recipe.model, "model", "path", "dtype")
    return found | keys_of(recipe.babel, "babel") if recipe.model.path == "babel" else found


def model_world(recipe: Recipe) -> dict[str, Any]:
    """The files of a model's folder; Babel's are made from its keys, and sealed."""
    return folder_of_model(recipe.model.path)


def folder_of_model(path: str | None) -> dict[str, Any]:
    """The files of the folder that a path names; nothing for a name on the hub."""
    found = model_content(path) if path and path != "babel" else None
    return {f"the model in {path}": found} if found else {}


def file_world(path: str | None) -> dict[str, Any]:
    """The content of a file or folder; nothing where it is not there, which loading it says."""
    found = content_of(Path(path)) if path else None
    return {path: found} if path and found else {}


def index_world(name: str | None) -> dict[str, Any]:
    """The files of an index; a bundled one is known by its name."""
    if not name:
        return {}
    return file_world(name) or {"the index": name}


def data_world(source: str, data_dir: str | None, *, spec: str | None = None) -> dict[str, Any]:
    """The files that a source of questions may read: of its directory, and ``$CALM_DATA_DIR`` where it has none."""
    if "data_dir" not in SOURCES[source].option_names:
        return {}
    place = data_dir or os.environ.get("CALM_DATA_DIR") or (str(Path(spec).parent) if spec else None)
    if not place:
        return {}
    folder = Path(place)
    if not folder.is_dir():
        return {f"data of {source}": place}
    within = [folder / x for x in SOURCES[source].reads if (folder / x).is_dir()]
    found = {}
    for part in within or [folder]:
        files = (p for p in part.rglob("*") if p.name.lower().endswith(_DATA) and p.is_file())
        found[f"data of {source} in {part}"] = content_of(part, files=files)
    return found


def own_data_world(recipe: Recipe) -> dict[str, Any]:
    """The files that the questions of a recipe are read from."""
    data = recipe.data
    return data_world(data.source, data.data_dir, spec=data.spec) | file_world(data.path) | file_world(data.spec)
