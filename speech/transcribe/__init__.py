"""From a recording to its transcript: speech found, cut in pauses, recognised in batches, put into words in time.

`transcribe` and `transcribe_all` write nothing; `deliver` writes results and then the ledger's row; `load` gives the
library's `Pipeline`. `recording` is one recording from end to end, `hearing` its way from sound to words, `assembly`
the accounts, `many` several recordings at once, `outputs` files and ledger, `runs` a run that goes on where an earlier one stopped.
"""

from speech.transcribe.many import Outcomes, cores_of, transcribe_all
from speech.transcribe.outputs import check_folder, deliver, make_folder, unchanged_result
from speech.transcribe.pipeline import Pipeline, load
from speech.transcribe.recording import transcribe
from speech.transcribe.records import NO_MODEL, NOTHING_HEARD, Progress, Result, Settings
from speech.transcribe.runs import Hearing, Item, making_of

__all__ = [
    "NOTHING_HEARD",
    "NO_MODEL",
    "Hearing",
    "Item",
    "Outcomes",
    "Pipeline",
    "Progress",
    "Result",
    "Settings",
    "check_folder",
    "cores_of",
    "deliver",
    "load",
    "make_folder",
    "making_of",
    "transcribe",
    "transcribe_all",
    "unchanged_result",
]
