"""A first look at a model: a few bundled questions in several languages, one screen, a card to share.

- :mod:`calm_ext.checkup.run`: choose the task and the number of questions, ask, keep the results
- :mod:`calm_ext.checkup.found`: what the results say
- :mod:`calm_ext.checkup.examples`: questions that show it; any evaluation of a calm-ext task has them
- :mod:`calm_ext.checkup.screen`, :mod:`calm_ext.checkup.card`: the terminal, and the card as HTML and PNG
"""
