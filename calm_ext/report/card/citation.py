"""What a model card asks to be cited."""

from __future__ import annotations

from calm_ext import __version__

BIBTEX = f"""@inproceedings{{wang-etal-2025-calm,
  title = {{{{CALM}}: Unleashing the Cross-Lingual Self-Aligning Ability of Language Model Question Answering}},
  author = {{Wang, Yumeng and Fan, Zhiyuan and Wang, Qingyun and Fung, Yi R. and Ji, Heng}},
  booktitle = {{Findings of the Association for Computational Linguistics: NAACL 2025}},
  pages = {{2809--2817}},
  year = {{2025}},
  note = {{arXiv:2501.18457}}
}}

@software{{calm-ext,
  title = {{calm-ext: CALM tasks for lm-evaluation-harness, and their alignment}},
  version = {{{__version__}}}
}}"""
