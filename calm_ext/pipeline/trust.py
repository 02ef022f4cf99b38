"""Whether a recipe's model may run code of its own."""

from __future__ import annotations

from calm_ext.errors import RecipeError
from calm_ext.models.trust import FLAG
from calm_ext.pipeline.schema import Recipe

_KEY = "trust_remote_code"


def trusted(recipe: Recipe, *, given: bool, where: str) -> Recipe:
    """The recipe with its model trusted where that was given on the command line, and not trusted elsewhere.

    Args:
        given: whether the command line has ``--trust-remote-code``.

    Raises:
        RecipeError: the recipe wishes for it, and it was not given.
    """
    if given:
        return recipe.replace(model=recipe.model.replace(trust_remote_code=True))
    wishes = {
        f"model.{_KEY}": recipe.model.trust_remote_code,
        f"sampling.backend_args.{_KEY}": recipe.sampling.backend_args.get(_KEY),
        f"evaluation.metadata.{_KEY}": recipe.evaluation.metadata.get(_KEY),
    }
    found = [
        f"{key}: a recipe cannot let a model run code of its own; to allow it give {FLAG} on the command line"
        for key, wish in wishes.items()
        if wish
    ]
    if found:
        raise RecipeError(where, found)
    return recipe
