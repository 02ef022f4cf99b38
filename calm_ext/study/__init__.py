"""A study: one recipe run over a grid of settings, seeds and folds, and tests of what is claimed of it."""
