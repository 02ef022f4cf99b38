"""Groups and the methods that train on them: built by hand-counted rules, losses and gradients against plain torch."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig, TrainingArguments

from calm_ext.data import load_questions
from calm_ext.errors import CalmError, RunError
from calm_ext.jsonl import write_jsonl
from calm_ext.pairing.groups import build_groups
from calm_ext.pairing.options import PairingOptions
from calm_ext.prompts import ask
from calm_ext.records import Ballot, Generation, Group, Member
from calm_ext.training import segments
from calm_ext.training.encoding import Cell, GroupRow, load_groups
from calm_ext.training.groups import GroupTrainer, Layout
from calm_ext.training.launch import launch
from calm_ext.training.methods.dco import dco_loss
from calm_ext.training.methods.listwise import ListwiseOptions, listwise_loss
from calm_ext.training.options import training_options
from calm_ext.voting.targets import soft_targets
from tests.test_shared_prefix import SMALL, tokenizer
from tests.test_training import LANGUAGES, job, log

# --- what is built ----------------------------------------------------------------------------------------------------


def ballot(votes: dict[str, list[int | None]], winner: int | None = 0, probability: float | None = 0.8) -> Ballot:
    return Ballot(id="q", winner=winner, margin=0.5, probability=probability, votes=votes, weights={})


def generation(language: str, responses: list[str | None], **more: Any) -> Generation:
    options = ["red", "blue", "green"]
    return Generation(
        id="q", language=language, question="?", options=options, prompt="Colour? Answer:", responses=responses, **more
    )


def groups(
    of: Ballot,
    generations: list[Generation],
    *,
    completions: Any = "samples",
    max_options: int | None = None,
    **options: Any,
) -> list[Group]:
    rows = [(f"g:{i}", g) for i, g in enumerate(generations)]
    return list(
        build_groups(
            [("b:1", of)],
            rows,
            PairingOptions(**options),
            style="direct",
            completions=completions,
            max_options=max_options,
        )
    )


def test_scored_options_are_compared_with_the_scores_they_had() -> None:
    made = ballot({"en": [0], "fr": [2]})
    scored = [generation(x, [], option_logprobs=[-1.0, -2.0, -3.0]) for x in ("en", "fr")]
    (group,) = groups(made, scored)
    assert list(group.members) == ["en", "fr"]
    assert group.members["en"] == Member(
        prompt="Colour? Answer:",
        completions=[" red", " blue", " green"],
        answers=[0, 1, 2],
        logprobs=[-1.0, -2.0, -3.0],
    )
    assert group.winner == 0 and group.probabilities == soft_targets(made, 3)
    (fewer,) = groups(ballot({"en": [2], "fr": [2]}, winner=2), scored, max_options=2)
    assert fewer.members["en"].answers == [0, 2] and fewer.members["en"].logprobs == [-1.0, -3.0]
    (undecided,) = groups(ballot({"en": [0], "fr": [2]}, winner=None, probability=None), scored)
    assert undecided.probabilities is None and undecided.members == group.members, "for methods without a vote"


def test_options_of_one_text_are_one_answer_the_winner_where_it_is_among_them() -> None:
    same = generation("en", [], option_logprobs=[-1.0, -2.0, -3.0]).model_copy(update={"options": ["x", "y", "x "]})
    (group,) = groups(ballot({"en": [2]}, winner=2), [same])
    assert group.members["en"].answers == [1, 2]
    one = same.model_copy(update={"options": ["x", "x", "x"]})
    assert groups(ballot({"en": [2]}, winner=2), [one]) == []


def test_sampled_responses_are_compared_by_the_answer_that_they_give() -> None:
    votes: dict[str, list[int | None]] = {"en": [0, 1, 0, None], "fr": [0, 0, 0, 0], "de": [1, 1, 2, 2]}
    rows = [
        generation("en", ["red", "blue", "red", "hm"]),
        generation("fr", ["red"] * 4),
        generation("de", ["blue", "blue", "<think>so</think>green", "green"]),
    ]
    (group,) = groups(ballot(votes), rows)
    assert group.members["en"].completions == [" red", " blue"] and group.members["en"].answers == [0, 1]
    # All of fr agree: the runner-up of all languages' votes (blue: 1/4 + 2/4; green: 2/4) is written beside the winner.
    assert group.members["fr"].completions == [" red", " blue"] and group.members["fr"].answers == [0, 1]
    # No response in de gives the winner: it is written.
    assert group.members["de"].completions == [" blue", " green", " red"]
    (skipped,) = groups(ballot(votes), rows, fallback="skip")
    assert list(skipped.members) == ["en", "fr"]
    (written,) = groups(ballot(votes), rows, completions="options")
    assert written.members["de"].completions == [" red", " blue", " green"] and written.members["de"].logprobs is None


def test_soft_targets_by_hand() -> None:
    votes: dict[str, list[int | None]] = {"en": [0, 1], "fr": [0, None]}
    # v = 1/2, 1/4, 0; the others get 0.4 in the ratio 1/4 + 1/3 to 1/3.
    assert soft_targets(ballot(votes, probability=0.6), 3) == pytest.approx([0.6, 0.4 * 7 / 11, 0.4 * 4 / 11])
    assert soft_targets(ballot(votes, probability=None), 3) == [1.0, 0.0, 0.0]
    # An estimate of 0.4 leaves 0.6, and no option may get more than the winner.
    low = soft_targets(ballot({"en": [0, 1], "fr": [0, 1]}, probability=0.4), 3)
    assert max(low) == low[0] and sum(low) == pytest.approx(1)


@given(
    st.lists(st.lists(st.sampled_from([None, 0, 1, 2, 3]), min_size=1, max_size=4), min_size=1, max_size=4),
    st.floats(0, 1),
    st.permutations(range(4)),
)
@settings(max_examples=200, deadline=None)
def test_soft_targets_are_probabilities_and_follow_the_options(
    votes: list[list[int | None]], probability: float, order: list[int]
) -> None:
    named = {f"x{i}": own for i, own in enumerate(votes)}
    found = soft_targets(Ballot(id="q", winner=1, margin=0, probability=probability, votes=named, weights={}), 4)
    assert sum(found) == pytest.approx(1) and min(found) >= 0 and found[1] == pytest.approx(max(found))
    moved = {x: [None if v is None else order[v] for v in own] for x, own in named.items()}
    other = soft_targets(Ballot(id="q", winner=order[1], margin=0, probability=probability, votes=moved, weights={}), 4)
    assert [other[order[i]] for i in range(4)] == pytest.approx(found)


def test_an_answer_is_missing() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        Member(prompt="p", completions=["a"], answers=[0, 1])
    with pytest.raises(ValueError, match="1 logprobs for 2 completions"):
        Member(prompt="p", completions=["a", "b"], answers=[0, 1], logprobs=[-1.0])
    with pytest.raises(ValueError, match="all completions give one answer"):
        Member(prompt="p", completions=["a", "b"], answers=[1, 1])


# --- the losses -------------------------------------------------------------------------------------------------------


def test_segments_are_what_a_loop_computes() -> None:
    values = torch.tensor([1.0, -2.0, 0.5, 3.0, -40.0], requires_grad=True)
    places = torch.tensor([1, 0, 1, 2, 1])
    found = segments.logsumexp(values, places, 3)
    own = [[1], [0, 2, 4], [3]]
    loop = torch.stack([torch.logsumexp(values[i], 0) for i in own])
    assert torch.allclose(found, loop)
    weights = torch.tensor([1.0, 2.0, 3.0])
    ours, theirs = (torch.autograd.grad((x * weights).sum(), values, retain_graph=True)[0] for x in (found, loop))
    assert torch.allclose(ours, theirs)
    tied = torch.tensor([1.0, 1.0, 0.0, 2.0, 2.0])
    assert segments.first_largest(tied, torch.tensor([0, 0, 1, 1, 1]), 2).tolist() == [0, 3]


def questions(n: int = 3, reference: bool = True) -> list[GroupRow]:
    """Questions in two or three languages, four options, one of them with two completions."""
    generator = torch.Generator().manual_seed(1)

    def ids(size: int) -> list[int]:
        return torch.randint(4, 97, (size,), generator=generator).tolist()

    rows = []
    for number in range(n):
        cells = []
        for _ in range(2 + number % 2):
            answers = [0, 1, 1, 2, 3]
            own = [ids(1 + (i + number) % 4) for i in range(len(answers))]
            known = torch.randn(len(answers), generator=generator).tolist() if reference else None
            cells.append(Cell([1, *ids(9 + number)], own, answers, known))
        rows.append(GroupRow(number % 3, [0.1, 0.2, 0.3, 0.4] if number else [0.7, 0.1, 0.1, 0.1], cells))
    return rows


def group_trainer(folder: Path, rows: list[GroupRow], loss: Any, **options: Any) -> GroupTrainer:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(LlamaConfig(**SMALL), dtype=torch.float32)
    for parameter in model.parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=0.2)
    lora = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    arguments = TrainingArguments(str(folder), use_cpu=True, report_to="none", per_device_train_batch_size=2)
    return GroupTrainer(
        get_peft_model(model, lora), arguments, train_dataset=rows, tokenizer=tokenizer(), loss=loss, **options
    )


def plain_scores(model: Any, row: GroupRow) -> list[list[torch.Tensor]]:
    """log π of each completion, one after the other, by the model's own logits."""
    found = []
    for cell in row.cells:
        own = []
        for target in cell.completions:
            logits = model(torch.tensor([cell.prompt + target])).logits[0, len(cell.prompt) - 1 : -1]
            own.append(logits.log_softmax(-1)[range(len(target)), target].sum())
        found.append(own)
    return found


def listwise_by_hand(model: Any, rows: list[GroupRow], options: ListwiseOptions) -> torch.Tensor:
    losses, nll = [], []
    for row in rows:
        assert row.probabilities is not None
        for cell, scores in zip(row.cells, plain_scores(model, row), strict=True):

            def shares(of: Any, cell: Cell = cell) -> torch.Tensor:
                sizes = [len(c) if options.normalize == "token" else 1 for c in cell.completions]
                each = [s / n for s, n in zip(of, sizes, strict=True)]
                by_option = [
                    torch.stack([each[0]]),
                    torch.stack(each[1:3]),
                    torch.stack([each[3]]),
                    torch.stack([each[4]]),
                ]
                return torch.stack([torch.logsumexp(x, 0) for x in by_option]).log_softmax(0)

            q = shares(scores)
            target = torch.tensor(row.probabilities)
            if options.targets == "hard":
                target = torch.nn.functional.one_hot(torch.tensor(row.winner), 4).float()
            if options.agreeing == "base":
                base = shares(list(torch.tensor(cell.reference)))
                if base.argmax() == row.winner:
                    target = base.exp()
            losses.append(-(target * q).sum())
            own = [i for i, a in enumerate(cell.answers) if a == row.winner]
            nll.append(min((-scores[i] / len(cell.completions[i]) for i in own), key=float))
    return torch.stack(losses).mean() + options.nll_weight * torch.stack(nll).mean()


def dco_by_hand(model: Any, rows: list[GroupRow], beta: float) -> torch.Tensor:
    losses = []
    for row in rows:
        scores = plain_scores(model, row)
        for i, j in itertools.combinations(range(len(row.cells)), 2):
            each = []
            for c, r in itertools.combinations(range(4), 2):
                ref1, ref2 = row.cells[i].reference, row.cells[j].reference
                assert ref1 is not None and ref2 is not None
                o1, o2 = ref1[c] - ref1[r], ref2[c] - ref2[r]
                rho1 = scores[i][c] - scores[i][r] - o1
                rho2 = scores[j][c] - scores[j][r] - o2
                each.append((rho1 - o2 / beta).abs() + (rho2 - beta * o1).abs())
            losses.append(torch.stack(each).mean())
    return torch.stack(losses).mean()


def same(trainer: GroupTrainer, rows: list[GroupRow], expected: torch.Tensor) -> None:
    """Loss and the gradients of LoRA are equal to 1e-5."""
    trained = [p for p in trainer.model.parameters() if p.requires_grad]
    wanted = torch.autograd.grad(expected, trained)
    loss = trainer.compute_loss(trainer.model, trainer.data_collator(rows))
    found = torch.autograd.grad(loss, trained)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
    largest = max(g.abs().max().item() for g in wanted)
    assert max((a - b).abs().max().item() for a, b in zip(found, wanted, strict=True)) < 1e-5 * max(1, largest)
    assert largest > 1e-3, "there is a gradient at all"


LISTWISE = [
    {},
    {"normalize": "token", "nll_weight": 0.5},
    {"targets": "hard"},
    {"agreeing": "base"},
    {"agreeing": "base", "normalize": "token"},
]


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("given", LISTWISE, ids=str)
def test_listwise_is_its_formula(tmp_path: Path, given: dict[str, Any], share: bool) -> None:
    options, rows = ListwiseOptions(**given), questions()
    trainer = group_trainer(tmp_path, rows, lambda s, x: listwise_loss(s, x, options), share=share)
    assert (trainer.sharing is not None) == share
    same(trainer, rows, listwise_by_hand(trainer.model, rows, options))


@pytest.mark.parametrize("beta", [1.0, 2.5])
def test_dco_is_its_formula(tmp_path: Path, beta: float) -> None:
    rows = [row._replace(cells=[one_each(c) for c in row.cells]) for row in questions()]
    trainer = group_trainer(tmp_path, rows, lambda s, x: dco_loss(s, x, beta))
    same(trainer, rows, dco_by_hand(trainer.model, rows, beta))


def one_each(cell: Cell) -> Cell:
    """Without the second completion of an option."""
    assert cell.reference is not None
    places = [0, 1, 3, 4]
    return cell._replace(
        completions=[cell.completions[i] for i in places],
        answers=[0, 1, 2, 3],
        reference=[cell.reference[i] for i in places],
    )


def test_dco_compares_only_what_both_languages_have(tmp_path: Path) -> None:
    (row,) = [r._replace(cells=[one_each(c) for c in r.cells]) for r in questions(1)]
    second = row.cells[1]
    fewer = second._replace(
        completions=second.completions[2:], answers=second.answers[2:], reference=(second.reference or [])[2:]
    )
    trainer = group_trainer(tmp_path, [row], lambda s, x: dco_loss(s, x, 1.0))
    scores = plain_scores(trainer.model, row)
    o1, o2 = ((c.reference or [])[2] - (c.reference or [])[3] for c in row.cells)
    rho1, rho2 = (s[2] - s[3] - o for s, o in zip(scores, (o1, o2), strict=True))
    same(trainer, [row._replace(cells=[row.cells[0], fewer])], (rho1 - o2).abs() + (rho2 - o1).abs())


def test_the_reference_is_the_untrained_model(tmp_path: Path) -> None:
    rows = questions(reference=False)
    trainer = group_trainer(tmp_path, rows, lambda s, x: dco_loss(s, x, 1.0), needs_reference=True)
    with torch.no_grad(), trainer.model.disable_adapter():
        for row, found in zip(rows, trainer.train_dataset, strict=True):
            for cell, expected in zip(found.cells, plain_scores(trainer.model, row), strict=True):
                assert cell.reference == pytest.approx([s.item() for s in expected], abs=1e-4)
        trained = plain_scores(trainer.model, rows[0])
    assert math.isfinite(trained[0][0].item())


def test_a_vote_for_an_option_that_is_not_compared_does_not_count(tmp_path: Path) -> None:
    (row,) = questions(1)
    gone = row._replace(winner=7, probabilities=[0.25] * 4 + [0.0] * 4)
    trainer = group_trainer(tmp_path, [row], lambda s, x: listwise_loss(s, x, ListwiseOptions()))
    layout = Layout(*(trainer.data_collator([gone, row])[k] for k in Layout._fields))
    assert layout.elected.tolist()[: len(row.cells)] == [-1] * len(row.cells)
    rows = [gone, row]
    same(trainer, rows, listwise_by_hand(trainer.model, [row], ListwiseOptions()))


# --- a training -------------------------------------------------------------------------------------------------------


def write_gold_groups(path: Path, n: int) -> None:
    found = []
    for question in load_questions("babel", split="train", languages=LANGUAGES, limit=n):
        assert question.answer is not None
        members = {
            language: Member(
                prompt=ask(language, version.question, version.options, "direct"),
                completions=[" " + text for text in version.options],
                answers=list(range(4)),
            )
            for language, version in question.versions.items()
        }
        targets = [0.91 if i == question.answer else 0.03 for i in range(4)]
        found.append(Group(id=question.id, winner=question.answer, probabilities=targets, members=members))
    write_jsonl(path, found)


@pytest.mark.parametrize("method", ["listwise", "dco"])
def test_training_by_the_method(babel_model: Path, tmp_path: Path, method: str) -> None:
    made = job(tmp_path, babel_model, mode="options")
    options = training_options({
        "method": method, "learning_rate": 3e-3, "epochs": 3, "batch_size": 4, "checks_per_epoch": 2,
        "dtype": "float32", "patience": 0, "select": "last",
    })  # fmt: skip
    write_gold_groups(tmp_path / "groups.jsonl", 16)
    launch(made.replace(options=options, groups=tmp_path / "groups.jsonl"))
    losses = [row["loss"] for row in log(tmp_path, "train") if "loss" in row]
    assert losses[-1] < losses[0]
    summary = json.loads((tmp_path / "training/summary.json").read_text())
    assert summary["n_pairs"] == 16 and summary["checks"]
    assert (tmp_path / "training/adapter/adapter_model.safetensors").is_file()
    if method == "listwise":
        shares = [row["elected_first"] for row in log(tmp_path, "train") if "elected_first" in row]
        assert shares[-1] > shares[0]


def test_groups_that_cannot_be_trained_on(tmp_path: Path, babel_model: Path) -> None:
    from transformers import AutoTokenizer

    made = job(tmp_path, babel_model).replace(options=training_options({"method": "dco", "max_length": 16}))
    spoken = AutoTokenizer.from_pretrained(babel_model)
    with pytest.raises(CalmError, match="training method dco trains on groups, and the job names no file of them"):
        load_groups(made, spoken)
    write_gold_groups(tmp_path / "groups.jsonl", 3)
    rows, dropped = load_groups(made.replace(groups=tmp_path / "groups.jsonl"), spoken)
    assert (list(rows), dropped) == ([], 3), "every prompt fills max_length"
    undecided = made.replace(options=training_options({"method": "listwise", "dtype": "float32"}))
    group = Group(id="q", members={"qaa": Member(prompt="x", completions=[" a", " b"], answers=[0, 1])})
    write_jsonl(tmp_path / "groups.jsonl", [group])
    with pytest.raises(RunError, match="the vote decided none"):
        launch(undecided.replace(groups=tmp_path / "groups.jsonl"))
