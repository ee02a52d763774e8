"""From a recording to its transcript: speech found, cut in pauses, recognised in batches, put into words in time.

`transcribe` and `transcribe_all` write nothing; `load` gives the library's `Pipeline`. `recording` is one recording from
end to end, `asked` what is asked beside the words (speakers, languages), `turns` whose turn it is in which language, `hearing` the
way from sound to words, `assembly` the accounts, `runs` several recordings at once and a run that goes on where an earlier one
stopped; files and the ledger's rows are written by `collections.outputs`.
"""

from speech.transcribe.asked import Asked, codes_of, languages_of, speakers_of
from speech.transcribe.pipeline import Pipeline, load
from speech.transcribe.recording import transcribe
from speech.transcribe.records import NO_MODEL, NOTHING_HEARD, Progress, Result, Settings
from speech.transcribe.runs import cores_of, making_of, run_of, transcribe_all

__all__ = [
    "NOTHING_HEARD",
    "NO_MODEL",
    "Asked",
    "Pipeline",
    "Progress",
    "Result",
    "Settings",
    "codes_of",
    "cores_of",
    "languages_of",
    "load",
    "making_of",
    "run_of",
    "speakers_of",
    "transcribe",
    "transcribe_all",
]
