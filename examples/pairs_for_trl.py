"""From samples in memory to preference pairs for TRL, in three lines.

python examples/pairs_for_trl.py
"""

from __future__ import annotations

from calm_ext import build_pairs, vote

ASKED = {
    "en": ("Where do fish live?", ["in the air", "in the water", "on the moon"]),
    "fr": ("Où vivent les poissons ?", ["dans l'air", "dans l'eau", "sur la lune"]),
    "de": ("Wo leben Fische?", ["in der Luft", "im Wasser", "auf dem Mond"]),
}
SAID = {
    "en": ["Explanation: They have gills.\nAnswer: B. in the water", "Answer: B"],
    "fr": ["Explication : Ils volent.\nRéponse : A. dans l'air", "Réponse : B. dans l'eau"],
    "de": ["Antwort: B. im Wasser", "Das kann man so nicht sagen."],
}

samples = [
    {"id": "fish", "language": x, "question": question, "options": options, "responses": SAID[x]}
    for x, (question, options) in ASKED.items()
]

votes = vote(samples, rule="majority")
pairs = build_pairs(votes)
dataset = pairs.to_trl()

print(votes, end="\n\n")
print(pairs, end="\n\n")
print(dataset)
