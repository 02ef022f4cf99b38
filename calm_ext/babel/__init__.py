"""Babel: a synthetic multilingual world, and a tiny language model that is inconsistent in it the way real ones are.

Babel is the model and the data that need no download. Its model, a Llama of 0.4 million parameters pretrained from
scratch in about 80 s on one core, knows the facts of its world well in the pivot language ``qaa`` and worse in
every further one, where it falls back on a bias of that language. So its answers disagree across languages, the
cross-lingual vote is nearly always right, and alignment on the votes makes it more consistent, also on questions that
the alignment did not ask. It runs through the same code as any other model.

The facts are split in two: CALM asks about "train"; "test" is held out from alignment. The first question of seed 0, as
the model is asked it in ``qaa`` and in ``qab`` (style "direct"); the right answers are nuro and chashizish::

    Ruvo: tomul sak Yijedd?     Dzira: Yijedd zish shiwel?
    - ramar                     - ziketsel
    - tatesor                   - chichiwunk
    - nuro                      - chashizish
    - tasen                     - chatsu
    Talor:                      Wishul:

- :mod:`calm_ext.babel.world`: languages, facts, questions
- :mod:`calm_ext.babel.corpus`: the pretraining sentences
- :mod:`calm_ext.babel.tokenizer`: one token a word
- :mod:`calm_ext.babel.pretrain`: train, save, cache
"""

from calm_ext.babel.pretrain import build
from calm_ext.babel.world import BabelConfig, questions

__all__ = ["BabelConfig", "build", "questions"]
