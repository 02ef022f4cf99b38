"""The extension points of calm-ext, and how other packages reach them.

========= ==================================================== =============================
seam      what the one file holds                              built-in ones
========= ==================================================== =============================
method    ``@method("dco", eats="groups", options=…)``         :mod:`calm_ext.training.methods`
rule      ``@rule("majority", "all samples count the same")``  :mod:`calm_ext.voting.rules`
source    ``SOURCE = Source(…, load=load)``                    :mod:`calm_ext.data.sources`
backend   ``@backend("vllm", …)``                              :mod:`calm_ext.models.backends`
language  ``LANGUAGE = Language(…)``                           :mod:`calm_ext.languages`
========= ==================================================== =============================

Inside calm-ext a new file in the folder is enough. A package of its own names its modules under the entry-point group
:data:`GROUP`, for example in its ``pyproject.toml``::

    [project.entry-points."calm_ext.plugins"]
    korean = "my_package.korean"

Such a module is imported when one of the registries is first asked, and what it defines is then known everywhere: to
recipes, to the command line, to listings and to the model card.
"""

from __future__ import annotations

from calm_ext.plugins.registry import GROUP, Registry, load_plugins

__all__ = ["GROUP", "Registry", "load_plugins"]
