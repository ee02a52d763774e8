"""From a recording to its transcript: speech found, cut in pauses, recognised in batches, put into words in time.

`transcribe` and `transcribe_all` write nothing; `deliver` writes results and then the ledger's row; `load` gives the
library's `Pipeline`. `recording` is one recording from end to end, `hearing` its way from sound to words, `assembly`
the accounts, `many` several recordings at once, `outputs` files and ledger.
"""

from speech.transcribe.many import Outcomes, transcribe_all
from speech.transcribe.outputs import deliver, make_folder, output_path
from speech.transcribe.pipeline import Pipeline, load
from speech.transcribe.recording import transcribe
from speech.transcribe.records import NO_MODEL, NOTHING_HEARD, Progress, Result, Settings

__all__ = [
    "NOTHING_HEARD",
    "NO_MODEL",
    "Outcomes",
    "Pipeline",
    "Progress",
    "Result",
    "Settings",
    "deliver",
    "load",
    "make_folder",
    "output_path",
    "transcribe",
    "transcribe_all",
]
