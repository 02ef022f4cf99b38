"""Publishing, against a local fake of the hub's client: which files go up, which never do, and what failures say."""

from __future__ import annotations

import inspect
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi

from calm_ext.errors import CalmError
from calm_ext.publish.merge import Trained
from calm_ext.publish.push import Client, merged_card, plan_push, push
from tests.test_card import change_recipe, metadata
from tests.test_report import make_run


class FakeHub:
    """Keeps what it is given, as the hub would."""

    def __init__(self, error: Exception | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.calls: list[tuple[str, Any]] = []
        self.error = error

    def create_repo(self, repo_id: str, *, private: bool | None = None, exist_ok: bool = False) -> str:
        if self.error:
            raise self.error
        self.calls.append(("create_repo", (repo_id, private, exist_ok)))
        return f"https://huggingface.co/{repo_id}"

    def create_branch(self, repo_id: str, *, branch: str, exist_ok: bool = False) -> None:
        self.calls.append(("create_branch", (repo_id, branch, exist_ok)))

    def create_commit(self, repo_id: str, operations: Any, *, commit_message: str, revision: str | None = None) -> None:
        self.calls.append(("create_commit", (repo_id, revision)))
        for operation in operations:
            with operation.as_file() as handle:
                self.files[operation.path_in_repo] = handle.read()


@pytest.mark.parametrize("kind", [FakeHub, Client])
@pytest.mark.parametrize("name", ["create_repo", "create_branch", "create_commit"])
def test_the_fake_is_called_as_the_hub_is(kind: type, name: str) -> None:
    real = inspect.signature(getattr(HfApi, name)).parameters
    for key, parameter in inspect.signature(getattr(kind, name)).parameters.items():
        assert key in real, f"HfApi.{name} has no {key}"
        assert parameter.kind == real[key].kind
        assert parameter.default == real[key].default
    given = set(inspect.signature(getattr(kind, name)).parameters)
    needed = {k for k, p in real.items() if p.default is inspect.Parameter.empty}
    assert needed <= given


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = make_run(tmp_path / "toy", languages=["en", "fr"], n=20, n_test=20, evil=False)
    change_recipe(path, model={"path": "org/base"}, data={"source": "xcsqa"})
    (path / "adapter").mkdir()
    (path / "adapter/adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/base", "r": 4}))
    (path / "adapter/adapter_model.safetensors").write_bytes(b"weights")
    (path / "adapter/README.md").write_text("[More Information Needed]")
    (path / "report").mkdir()
    (path / "report/index.html").write_text("<html>")
    (path / "report/.index.html.tmp").write_text("half")
    (path / "summary.json").write_text("{}")
    (path / "generations.jsonl").write_text("{}\n")
    return path


PUBLIC = {
    "README.md", "adapter_config.json", "adapter_model.safetensors", "recipe.yaml", "summary.json", "report/index.html"
}  # fmt: skip


def test_what_goes_up_and_what_never_does(run: Path) -> None:
    hub = FakeHub()
    address = push(plan_push(run, "me/toy"), api=hub)
    assert address == "https://huggingface.co/me/toy"
    assert set(hub.files) == PUBLIC
    assert hub.calls == [("create_repo", ("me/toy", None, True)), ("create_commit", ("me/toy", None))]
    card = hub.files["README.md"].decode()
    assert 'from_pretrained("me/toy")' in card and "ORG/NAME" not in card
    assert metadata(card)["base_model"] == "org/base"
    assert hub.files["adapter_model.safetensors"] == b"weights"
    hub = FakeHub()
    plan = plan_push(run, "me/toy", include=["generations.jsonl"], report=False)
    assert push(plan, private=True, revision="v2", api=hub).endswith("me/toy/tree/v2")
    assert set(hub.files) == PUBLIC - {"report/index.html"} | {"generations.jsonl"}
    assert ("create_branch", ("me/toy", "v2", True)) in hub.calls
    assert hub.calls[0] == ("create_repo", ("me/toy", True, True))
    for name in ("../secret", "nope.jsonl", "/etc/passwd"):
        with pytest.raises(CalmError, match="no such file"):
            plan_push(run, "me/toy", include=[name])


def test_a_card_that_a_person_edited_is_kept(run: Path) -> None:
    (run / "README.md").write_text('---\nlicense: mit\n---\nMine: "ORG/NAME".\n')
    plan = plan_push(run, "me/toy")
    assert plan.uploads[0].content == b'---\nlicense: mit\n---\nMine: "me/toy".\n'
    (run / "README.md").write_text("---\nlicense: [\n---\nMine.\n")
    with pytest.raises(CalmError, match="its front matter cannot be read"):
        plan_push(run, "me/toy")


def test_paths_of_this_machine_stay_here(run: Path, tmp_path: Path) -> None:
    local = tmp_path / "secret place/my-model"
    local.mkdir(parents=True)
    change_recipe(run, model={"path": str(local)})
    (run / "adapter/adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(local)}))
    plan = plan_push(run, "me/toy")
    files = {u.name: u.content for u in plan.uploads}
    assert isinstance(files["adapter_config.json"], bytes)
    assert json.loads(files["adapter_config.json"])["base_model_name_or_path"] == "my-model"
    assert any("--base-model ORG/NAME" in note for note in plan.notes)
    assert "recipe.yaml names files of this machine: model.path" in plan.notes
    plan = plan_push(run, "me/toy", base_model="org/base")
    files = {u.name: u.content for u in plan.uploads}
    assert json.loads(files["adapter_config.json"])["base_model_name_or_path"] == "org/base"  # type: ignore[arg-type]
    card = files["README.md"]
    assert isinstance(card, bytes) and metadata(card.decode())["base_model_relation"] == "adapter"


def test_a_report_that_quotes_closed_data_is_left_out(run: Path) -> None:
    change_recipe(run, data={"source": "medqa"})
    plan = plan_push(run, "me/toy")
    assert not [u for u in plan.uploads if u.name.startswith("report/")]
    assert any("the report is left out" in note and "--include-report" in note for note in plan.notes)
    assert [u for u in plan_push(run, "me/toy", report=True).uploads if u.name.startswith("report/")]


def test_refusals(run: Path, tmp_path: Path) -> None:
    for repo in ("toy", "a/b/c", "me/to y", "me/..x--y"):
        with pytest.raises(CalmError, match="ORG/NAME was expected"):
            plan_push(run, repo)
    with pytest.raises(CalmError, match="is no run directory"):
        plan_push(tmp_path, "me/toy")
    with pytest.raises(CalmError, match="is no run directory"):
        plan_push(run / "adapter", "me/toy")
    (run / "adapter/adapter_config.json").write_text("[]")
    with pytest.raises(CalmError, match=r"adapter_config\.json: a JSON object was expected"):
        plan_push(run, "me/toy")
    shutil.rmtree(run / "adapter")
    with pytest.raises(CalmError, match="has no adapter yet; `calm-ext align` continues the run"):
        plan_push(run, "me/toy")


def test_a_run_that_stopped_after_training(run: Path) -> None:
    shutil.rmtree(run / "eval/after")
    shutil.rmtree(run / "report")
    (run / "summary.json").unlink()
    plan = plan_push(run, "me/toy")
    assert any(note.startswith("this run is not complete") for note in plan.notes)
    assert {u.name for u in plan.uploads} == PUBLIC - {"report/index.html", "summary.json"}


def test_a_merged_model(run: Path, tmp_path: Path) -> None:
    merged = tmp_path / "merged"
    merged.mkdir()
    with pytest.raises(CalmError, match=r"--merged .*has no config\.json"):
        plan_push(run, "me/toy", merged=merged)
    for name in ("config.json", "model.safetensors", "tokenizer.json", "generation_config.json", "notes.txt", "a.pt"):
        (merged / name).write_text("{}")
    (merged / "README.md").write_text(merged_card(Trained(run / "adapter", "org/base", run=run)))
    plan = plan_push(run, "me/toy", merged=merged, report=False)
    assert {u.name for u in plan.uploads} == {
        "README.md", "config.json", "model.safetensors", "tokenizer.json", "generation_config.json", "recipe.yaml",
        "summary.json",
    }  # fmt: skip
    card = plan.uploads[0].content
    assert isinstance(card, bytes) and metadata(card.decode())["base_model_relation"] == "merge"
    assert "with its adapter folded in" in card.decode()


def hub_error(status: int, said: str) -> Exception:
    import importlib

    from huggingface_hub.errors import HfHubHTTPError

    http = importlib.import_module(HfHubHTTPError.__mro__[1].__module__.split(".")[0])
    request = http.Request("POST", "https://huggingface.co/api/repos/create")
    return HfHubHTTPError("failed", response=http.Response(status, request=request), server_message=said)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (hub_error(401, "Invalid username or password."), "`hf auth login` keeps one, or set HF_TOKEN"),
        (hub_error(403, "You don't have the rights"), "your token may not write there (You don't have the rights)"),
        (hub_error(404, "gone"), "has no such repository or revision"),
        (hub_error(400, '"base_model" is\nnot valid'), 'refused with status 400: "base_model" is not valid'),
        (ConnectionError("Name or service not known"), "the hub cannot be reached (Name or service not known)"),
        (ValueError(), "the upload failed: ValueError"),
    ],
)
def test_failures_are_one_line(run: Path, error: Exception, told: str) -> None:
    with pytest.raises(CalmError) as caught:
        push(plan_push(run, "me/toy"), api=FakeHub(error))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value) and str(caught.value).startswith("me/toy: ")


def test_the_real_client_without_a_network(run: Path) -> None:
    """HF_HUB_OFFLINE is set for the tests: the real client refuses, and that is told in one line."""
    with pytest.raises(CalmError, match="nothing can be uploaded while HF_HUB_OFFLINE is set; unset it"):
        push(plan_push(run, "me/toy"))


def test_the_verb(run: Path) -> None:
    from tests.shell import calm

    dry = calm("push", str(run), "--repo", "me/toy", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "7 B  adapter_model.safetensors" in dry.stdout
    assert dry.stdout.splitlines()[-1].endswith("in 6 files, to me/toy")
    assert "note: the report quotes some questions of xcsqa (licence: MIT)" in dry.stderr
    shown = json.loads(calm("push", str(run), "--repo", "me/toy", "--dry-run", "--json").stdout)
    assert set(shown["files"]) == PUBLIC and shown["url"] is None
    real = calm("push", str(run), "--repo", "me/toy")
    assert real.returncode == 2
    assert real.stderr.splitlines()[-1].startswith("error: me/toy: nothing can be uploaded while HF_HUB_OFFLINE is set")
