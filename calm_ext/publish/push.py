"""Publish a run on the Hugging Face hub: which files, under which names, and a one-line message where it fails.

A repository gets the adapter (or a merged model) at its root, where PEFT and transformers look for it, the model card,
the recipe, the summary and the report. Each file is named one by one. The questions, generations, pairs and samples of
the run contain other people's data and stay here unless the user names them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from calm_ext.disk.shards import written_shards
from calm_ext.errors import CalmError, RunError
from calm_ext.files.decode import read_table
from calm_ext.models.paths import local_folder
from calm_ext.publish.merge import Trained, adapter_of
from calm_ext.publish.verify import require_current
from calm_ext.report.card.base import base_of
from calm_ext.report.card.body import source_of
from calm_ext.report.card.front import REPO, render_card
from calm_ext.report.collect import RunData, read_run, summarize

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, CommitOperationAdd

#: Licences under which a report may quote some questions.
OPEN = frozenset({"MIT", "Apache-2.0", "CC-BY-4.0"})
#: Files of a merged model's folder; anything else that lies there is left out.
_MODEL_FILES = (
    "config.json", "generation_config.json", "*.safetensors", "*.safetensors.index.json", "tokenizer*", "*.jinja",
    "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "*.model",
)  # fmt: skip
_ADAPTER_FILES = ("adapter_config.json", "adapter_model.*")


class Client(Protocol):
    """The methods of :class:`huggingface_hub.HfApi` that are used here."""

    def create_repo(self, repo_id: str, *, private: bool | None = None, exist_ok: bool = False) -> Any:
        """Make the repository where it is not there."""

    def create_branch(self, repo_id: str, *, branch: str, exist_ok: bool = False) -> None:
        """Make a branch where it is not there."""

    def create_commit(
        self, repo_id: str, operations: list[CommitOperationAdd], *, commit_message: str, revision: str | None = None
    ) -> CommitInfo:
        """Upload files in one commit."""


class Upload(NamedTuple):
    """A file to upload: a file here, or content that was changed for the hub."""

    name: str
    content: Path | bytes

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size


class Push(NamedTuple):
    """The files to upload, the repository, and notes for the user to read first.

    Attributes:
        notes: in sentences, without a full stop.
    """

    repo: str
    uploads: list[Upload]
    notes: list[str]


def plan_push(
    run: Path,
    repo: str,
    *,
    base_model: str | None = None,
    merged: Path | None = None,
    report: bool | None = None,
    include: Sequence[str] = (),
) -> Push:
    """Decide which files of a run to upload; needs no network.

    Args:
        repo: ``ORG/NAME``.
        base_model: the base model's name on the hub, where the run was made from a local folder.
        merged: a folder of `calm-ext merge`, uploaded instead of the adapter.
        report: whether the report, which quotes some questions, goes along; None: where their licence is open.
        include: further files of the run to upload.

    Raises:
        CalmError: the run has no adapter, or is out of date, a name is none of the hub's, or a file is missing.
    """
    _check_name(repo, "--repo")
    if base_model:
        _check_name(base_model, "--base-model")
    adapter = adapter_of(run)
    require_current(run, to="pushed")
    data = read_run(run)
    base = base_of(data, base_model)
    notes = [f"this run is not complete, and the card says so: {'; '.join(data.missing)}"] if data.missing else []
    if base.hub_id is None:
        hint = "" if base.path == "babel" else "; --base-model ORG/NAME names one there"
        notes.append(f"the base model is {base.shown}, which the hub does not have{hint}")
    card = _card(run, data, repo, base_model, merged)
    if merged is not None:
        uploads = [Upload("README.md", card.encode()), *_model(merged)]
    else:
        uploads = [Upload("README.md", card.encode()), *_adapter(adapter, base_model)]
    uploads += [Upload("recipe.yaml", data.recipe_text.encode())] if data.recipe_text else []
    uploads += [Upload(name, run / name) for name in ("summary.json",) if _lies_in(run, run / name)]
    paths = _local_paths(data)
    if paths:
        notes.append(f"recipe.yaml names files of this machine: {', '.join(paths)}")
    quoted, note = _report(run, data, report)
    uploads += quoted
    notes += note
    uploads += [Upload(own, _inside(run, own)) for name in include for own in _included(run, name)]
    return Push(repo, uploads, notes)


def push(
    plan: Push, *, private: bool = False, revision: str | None = None, message: str = "", api: Client | None = None
) -> str:
    """Upload in one commit; returns the repository's address.

    Args:
        revision: a branch, made where it is not there.
        api: a client with the interface of :class:`huggingface_hub.HfApi`.

    Raises:
        CalmError: the hub cannot be reached, knows no such token, or refuses; one line.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    client: Client = api if api is not None else HfApi()
    try:
        made = client.create_repo(plan.repo, private=private or None, exist_ok=True)
        if revision and revision != "main":
            client.create_branch(plan.repo, branch=revision, exist_ok=True)
        operations = [CommitOperationAdd(path_in_repo=u.name, path_or_fileobj=u.content) for u in plan.uploads]
        client.create_commit(
            plan.repo, operations, commit_message=message or "Upload by calm-ext push", revision=revision
        )
    except Exception as error:  # the client's, the HTTP library's, and the system's own kinds
        raise CalmError(_told(error, plan.repo)) from error
    address = str(made)
    return address if not revision or revision == "main" else f"{address}/tree/{revision}"


def merged_card(trained: Trained) -> str:
    """The card of a merged model: the run's, or a short one where only an adapter is known."""
    if trained.run is not None:
        data = read_run(trained.run)
        return render_card(data, summarize(data), relation="merge")
    from huggingface_hub import ModelCardData

    from calm_ext.report.card.markdown import code

    front = ModelCardData(library_name="transformers", pipeline_tag="text-generation", tags=["calm-ext"])
    name, folder = Path(trained.base).name, trained.folder.resolve().name
    return f"---\n{front.to_yaml()}\n---\n\nThe model {code(name)} with the adapter {code(folder)} folded in.\n"


# --- the files --------------------------------------------------------------------------------------------------------


def _check_name(name: str, option: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        raise CalmError(f"{option} {name}: is no name of the hub, ORG/NAME was expected") from None
    if "/" not in name and option == "--repo":
        raise CalmError(f"{option} {name}: has no owner, ORG/NAME was expected")


def _card(run: Path, data: RunData, repo: str, base_model: str | None, merged: Path | None) -> str:
    """The run's own card, which the user may have edited; a new one where ``base_model`` changes its content."""
    own = merged / "README.md" if merged else run / "README.md"
    if _lies_in(merged or run, own) and base_model is None:
        try:
            text = own.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"{own}: cannot be read ({error})") from None
        _check_card(text, own)
        return text.replace(json.dumps(REPO), json.dumps(repo))
    relation: Any = "merge" if merged else "adapter"
    return render_card(data, summarize(data), repo=repo, base_model=base_model, relation=relation)


def _check_card(text: str, path: Path) -> None:
    from huggingface_hub import ModelCard

    try:
        ModelCard(text)
    except Exception as error:  # YAML's kinds, and huggingface_hub's for a model index
        reason = " ".join(str(error).split())[:200]
        raise RunError(
            f"{path}: its front matter cannot be read ({reason}); `calm-ext report` writes it anew"
        ) from None


def _adapter(folder: Path, base_model: str | None) -> list[Upload]:
    """The adapter's files; its config names the base by its hub name, and never by a path of this machine."""
    found = []
    for path in _matching(folder, _ADAPTER_FILES):
        content: Path | bytes = path
        if path.name == "adapter_config.json":
            config = read_table(path, again="train again, or copy the whole adapter")
            named = config.get("base_model_name_or_path")
            if not isinstance(named, str) or not named:
                raise RunError(f"{path}: names no base model; train again, or copy the whole adapter")
            if base_model or local_folder(named):
                config["base_model_name_or_path"] = base_model or Path(named).name
                content = (json.dumps(config, indent=2, sort_keys=True) + "\n").encode()
        found.append(Upload(path.name, content))
    return found


def _model(folder: Path) -> list[Upload]:
    if not (folder / "config.json").is_file():
        raise CalmError(f"--merged {folder}: has no config.json, a folder of `calm-ext merge` was expected")
    found = _matching(folder, _MODEL_FILES)
    if not any(path.suffix == ".safetensors" for path in found):
        raise CalmError(f"--merged {folder}: has no weights (*.safetensors); merge again")
    return [Upload(path.name, path) for path in found]


def _report(run: Path, data: RunData, wanted: bool | None) -> tuple[list[Upload], list[str]]:
    """The report's files, and notes on them."""
    source = source_of(data)
    licence = source[1].licence if source else ""
    files = sorted(p for p in (run / "report").rglob("*") if _lies_in(run, p) and not p.name.startswith("."))
    if not files:
        return [], ["there is no report; `calm-ext report` writes it"] if wanted else []
    of = f"{source[0] if source else 'its data'} (licence: {licence or 'not known'})"
    if wanted is False or (wanted is None and licence not in OPEN):
        left = f"the report is left out: it quotes questions of {of}; --include-report adds it"
        return [], [left] if wanted is None else []
    return [Upload(str(p.relative_to(run)), p) for p in files], [f"the report quotes some questions of {of}"]


def _included(run: Path, name: str) -> list[str]:
    """A file of the run, with its shards where it has some."""
    shards = [own.name for own in written_shards(run / name) if own != run / name]
    whole = [name] if not shards or (run / name).exists() else []
    return whole + [str(Path(name).with_name(own)) for own in shards]


def _inside(run: Path, name: str) -> Path:
    path = (run / name).resolve()
    if not _lies_in(run, path):
        raise CalmError(f"--include {name}: no such file in {run}")
    return path


def _lies_in(folder: Path, path: Path) -> bool:
    """Whether a path is a file of a folder, and no link to one elsewhere, which a stranger's run may have."""
    return path.is_file() and path.resolve().is_relative_to(folder.resolve())


def _matching(folder: Path, patterns: Sequence[str]) -> list[Path]:
    return sorted({p for pattern in patterns for p in folder.glob(pattern) if _lies_in(folder, p)})


def _local_paths(data: RunData) -> list[str]:
    """Keys of the recipe whose values are paths."""
    keys = (("model", "path"), ("data", "path"), ("data", "data_dir"), ("retrieval", "index"), ("pairs", "translator"))
    found = []
    for section, key in keys:
        part = data.recipe.get(section)
        value = part.get(key) if isinstance(part, dict) else None
        if isinstance(value, str) and not value.startswith("http") and Path(value).expanduser().exists():
            found.append(f"{section}.{key}")
    data_section = data.recipe.get("data")
    args = data_section.get("args") if isinstance(data_section, dict) else None
    for key, value in (args if isinstance(args, dict) else {}).items():
        if isinstance(value, str) and not value.startswith("http") and Path(value).expanduser().exists():
            found.append(f"data.args.{key}")
    return found


def _told(error: Exception, repo: str) -> str:
    """What went wrong and what to do, in one line."""
    from huggingface_hub.errors import LocalTokenNotFoundError, OfflineModeIsEnabled

    status = getattr(getattr(error, "response", None), "status_code", None)
    said = getattr(error, "server_message", None) or str(error)
    reason = " ".join(said.split())[:300]
    if isinstance(error, OfflineModeIsEnabled):
        return f"{repo}: nothing can be uploaded while HF_HUB_OFFLINE is set; unset it"
    if isinstance(error, LocalTokenNotFoundError) or status == 401:
        return f"{repo}: the hub knows no token of yours; `hf auth login` keeps one, or set HF_TOKEN"
    if status == 403:
        return f"{repo}: your token may not write there ({reason}); it needs write access to the owner's repositories"
    if status == 404:
        return f"{repo}: the hub has no such repository or revision, or your token may not see it ({reason})"
    if status is not None:
        return f"{repo}: the hub refused with status {status}: {reason}"
    if isinstance(error, OSError) or "httpx" in type(error).__module__:
        return f"{repo}: the hub cannot be reached ({reason or type(error).__name__}); nothing is lost, try again"
    return f"{repo}: the upload failed: {reason or type(error).__name__}"
