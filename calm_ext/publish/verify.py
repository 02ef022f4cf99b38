"""Whether an adapter is what training made, and whether the run that it belongs to is up to date."""

from __future__ import annotations

from pathlib import Path

from calm_ext.disk.digests import sha256_of
from calm_ext.disk.lock import run_of
from calm_ext.disk.seal import damage_of, is_sealed
from calm_ext.errors import RunError
from calm_ext.report.outdated import outdated_stages, outdated_words
from calm_ext.results.files import read_json


def verify_adapter(folder: Path) -> None:
    """Refuse an adapter whose files changed since it was trained; of one from elsewhere nothing is known.

    Raises:
        RunError: it is not as training left it.
    """
    run = run_of(folder)
    stages = read_json(run / "manifest.json").get("stages") if run else None
    entry = stages.get("train") if isinstance(stages, dict) else None
    outputs = entry.get("outputs") if isinstance(entry, dict) else None
    if run and isinstance(outputs, dict) and "adapter" in outputs and folder.resolve() == (run / "adapter").resolve():
        if sha256_of(folder) != outputs["adapter"]:
            raise RunError(f"{folder}: is not as training left it; `calm-ext align` trains it again")
    elif is_sealed(folder) and (damage := damage_of(folder)):
        raise RunError(f"{folder}: {damage}; train again, or copy the whole adapter")


def require_current(run: Path, *, to: str, stages: tuple[str, ...] | None = None) -> None:
    """Refuse a run whose results are of another recipe, or of other files, than the run's now.

    Args:
        to: what is refused, as ``merged``.
        stages: only these count; default: all of the run.

    Raises:
        RunError: naming the stages and the reasons.
    """
    found = outdated_stages(run, read_json(run / "manifest.json"))
    late = {stage: reasons for stage, reasons in found.items() if stages is None or stage in stages}
    if late:
        raise RunError(
            f"{run}: cannot be {to}, it is out of date ({', '.join(outdated_words(late))}); `calm-ext align` brings it "
            f"up to date"
        )
