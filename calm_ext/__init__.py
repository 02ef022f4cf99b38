"""calm-ext: cross-lingual consistency, measured and trained (CALM, arXiv 2501.18457).

Importing the package is cheap: torch, transformers, lm_eval and trl are imported by the functions that need them.
"""

__version__ = "0.1.0"
