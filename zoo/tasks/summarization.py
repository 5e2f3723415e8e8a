"""A short text for a long one."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from zoo.tasks.sequence_to_sequence import SequenceToSequence, needed

MEASURES = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}
SENTENCE = re.compile(r"(?<=[.!?])\s+")


class Summarization(SequenceToSequence):
    """Writes as a translator does; measured by what it shares with the summary of a person.

    Lin, ROUGE: A Package for Automatic Evaluation of Summaries, 2004: F1 of words, of pairs of
    words, and of the longest common subsequence, each of a text, their means over all texts.
    """

    name = "summarization"
    score = "rouge_l"

    @staticmethod
    def measures() -> Any:
        """Return the package that measures what is written."""
        return needed("rouge_score.rouge_scorer", "Measuring summaries")

    def measured(self, sources: list[str], expected: list[str], written: list[str]) -> dict:
        """Return ROUGE, and the same of each source's first sentence."""
        scorer = self.measures().RougeScorer(list(MEASURES.values()))
        first = [SENTENCE.split(source.strip())[0] for source in sources]
        rows = {"model": written, "lead-sentence": first}
        scored = {name: _rouge(scorer, expected, texts) for name, texts in rows.items()}
        lengths = [
            len(text.split()) / max(len(w.split()), 1)
            for text, w in zip(written, expected, strict=True)
        ]
        scores = {**scored["model"], "length_ratio": float(np.mean(lengths))}
        baselines = [{"summary": name, **row} for name, row in scored.items()]
        return {"scores": scores, "tables": {"baselines": baselines}}


def _rouge(scorer: Any, expected: list[str], written: list[str]) -> dict[str, float]:
    """Return the mean of each measure, in percent."""
    each = [scorer.score(wanted, text) for wanted, text in zip(expected, written, strict=True)]
    return {
        name: 100 * float(np.mean([scores[key].fmeasure for scores in each]))
        for name, key in MEASURES.items()
    }
