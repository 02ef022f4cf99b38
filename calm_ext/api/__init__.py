"""The Python interface: read, vote, pair, score and compare on data in memory, without files.

The names are those of the package itself: ``from calm_ext import read_answer, vote, build_pairs, score, compare``.
"""
