"""Score two models' answers, and test their difference, from a DataFrame of one row a question and language.

python examples/compare_models.py
"""

from __future__ import annotations

import random

import pandas as pd

from calm_ext import compare, score

draw = random.Random(0)
rows = [
    {
        "id": f"q{i}",
        "language": x,
        "answer": i % 4,
        "old": draw.choice([i % 4, 0]),
        "new": draw.choice([i % 4] * 3 + [0]),
    }
    for i in range(60)
    for x in ("en", "sw", "ar")
]
table = pd.DataFrame(rows)
old, new = (table.rename(columns={name: "prediction"}) for name in ("old", "new"))

print(score(new), end="\n\n")
print(compare(old, new).to_pandas().round(3).to_string())
