"""How far a hypothesis is from what was said: WER and CER with counts, intervals, confusions and calibration.

    from speech.score import pair_files, score, score_report
    scores = score(pair_files(Path("reference.tsv"), Path("hypothesis.jsonl")))

Explicit normalisation (`speech.text.RULES` and the language's table), letters as graphemes, no rate without its
count. Speaker errors (DER) are no matter of this verb.
"""

from speech.score.measure import score
from speech.score.page import score_report
from speech.score.pairs import pair_files
from speech.score.records import Counts, Group, Pair, Rate, Row, Scores, ScoreSettings, Spread

__all__ = ["Counts", "Group", "Pair", "Rate", "Row", "ScoreSettings", "Scores", "Spread", "pair_files", "score", "score_report"]
