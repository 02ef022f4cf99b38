"""The training methods: each in one file, entered by :func:`method`.

A method names the data it trains on and builds a trainer; the worker does the rest: it reads the data, loads the model,
watches the held-out questions, logs, resumes, and keeps a checkpoint. A new method, with an option of its own::

    class MyOptions(TrainingOptions):
        method: Literal["mine"] = "mine"
        gamma: float = Field(1.0, gt=0)
        \"\"\"What gamma does.\"\"\"

    @method("mine", eats="chosen", options=MyOptions, description="one line for listings and the model card")
    def build(context: TrainingContext) -> Any:
        from transformers import Trainer, TrainingArguments

        arguments = TrainingArguments(**context.arguments())
        return Trainer(context.peft_model(), arguments, train_dataset=…, callbacks=context.callbacks)

The module stays light: it imports frameworks inside ``build``, because recipes and ``--help`` read this registry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from calm_ext.errors import CalmError
from calm_ext.plugins import Registry

if TYPE_CHECKING:
    from calm_ext.training.context import TrainingContext
    from calm_ext.training.encoding import Loader
    from calm_ext.training.options import TrainingOptions

#: What a method trains on: chosen responses; preference pairs; a question's prompts in all languages with their
#: options; questions with a reward.
Eats = Literal["chosen", "pairs", "groups", "questions"]

B = TypeVar("B", bound="Callable[[TrainingContext], Any]")


@dataclass(frozen=True)
class Method:
    """A training method.

    Attributes:
        eats: kind of data it trains on.
        description: one line, for listings and the model card.
        options: its keys of a recipe's ``training`` section.
        build: makes the trainer, one of transformers'.
        load: reads and encodes the training data; None: the loader of what it eats
            (:data:`calm_ext.training.encoding.LOADERS`).
    """

    name: str
    eats: Eats
    description: str
    options: type[TrainingOptions]
    build: Callable[[TrainingContext], Any]
    load: Loader | None = None


METHODS: Registry[Method] = Registry("training method", "calm_ext.training.methods")


def method(
    name: str,
    *,
    eats: Eats,
    description: str,
    options: type[TrainingOptions] | None = None,
    load: Loader | None = None,
) -> Callable[[B], B]:
    """Enter the decorated function, ``build(context) -> trainer``, under a name.

    Args:
        options: a subclass of :class:`~calm_ext.training.options.TrainingOptions` whose ``method`` is the name;
            default: that class, for a method without keys of its own.

    Raises:
        CalmError: the name is taken, ``eats`` is unknown, or the class of options belongs to another method, or is no
            :class:`~calm_ext.training.options.GroupOptions` for a method that eats groups.
    """
    from calm_ext.training.options import GroupOptions, TrainingOptions

    if eats not in get_args(Eats):
        raise CalmError(f"training method {name!r}: eats is one of {', '.join(get_args(Eats))}, got {eats!r}")
    section = options or TrainingOptions
    if section is not TrainingOptions and section.model_fields["method"].default != name:
        raise CalmError(
            f'training method {name!r}: {section.__name__} needs the key method: Literal["{name}"] = "{name}"'
        )

    if eats == "groups" and load is None and not issubclass(section, GroupOptions):
        raise CalmError(f"training method {name!r} eats groups: its options need the base class GroupOptions")

    def enter(build: B) -> B:
        METHODS.add(name, Method(name, eats, description, section, build, load))
        return build

    return enter
