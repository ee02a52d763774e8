"""How far a hypothesis is from what was said: WER and CER with counts, intervals, confusions and calibration.

    from speech.score import compare, score, summary_lines
    scores = score(compare(Path("reference.eaf"), Path("hypothesis.eaf")))
    print(*summary_lines(scores), sep="\n")

Explicit normalisation (`speech.text.RULES` and the language's table), letters as graphemes, no rate without its
count. Where both sides tell speakers, cpWER, words with the wrong speaker and DER; where they name several languages, language DER.
"""

from speech.score.measure import score
from speech.score.page import score_report
from speech.score.pairs import PairSettings, compare, pair_files
from speech.score.records import Comparison, Counts, Group, Pair, Rate, Row, Scores, ScoreSettings, Side, Spread
from speech.score.summary import summary_lines

__all__ = [
    "Comparison",
    "Counts",
    "Group",
    "Pair",
    "PairSettings",
    "Rate",
    "Row",
    "ScoreSettings",
    "Scores",
    "Side",
    "Spread",
    "compare",
    "pair_files",
    "score",
    "score_report",
    "summary_lines",
]
