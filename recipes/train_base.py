"""Make a base that never heard given languages: the honest start for tests of adaptation, identification and new voices.

Data: as train_mini.py, without the languages or collections named; licences and credit in their cards under data_manifests/.
Command: python recipes/train_base.py --without yor,swh --out FOLDER       trains from nothing, ends the run, exports
         the same command again goes on with a run that was interrupted
Time: 45 minutes on two cores with bf16 instructions, about two hours without. `--smoke` ends in a minute.
Expected, without Yoruba and Swahili (6,500 steps, 87 hours heard), dev CER: Kichwa 23, Kinyarwanda 32, Malagasy 37, Breton 46,
Amharic 64. For experiments: what it writes is not shipped.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from train_mini import Plan, export, train

from speech.errors import SpeechError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without", required=True, metavar="NAME,NAME", help="languages or collections that it never hears")
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--run", type=Path, help="folder of the run; else one in the cache, named by what is left out")
    parser.add_argument("--hold", type=int, default=5000, help="steps at the held rate")
    parser.add_argument("--decay", type=int, default=1500, help="steps in which it ends then")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true", help="a few steps on a few clips")
    options = parser.parse_args()
    without = sorted(set(filter(None, options.without.split(","))))
    run = options.run or Path("~/.cache/oral-speech/train").expanduser() / f"without_{'_'.join(without)}"
    train(
        Plan(
            data=options.data,
            run=run,
            hold=6 if options.smoke else options.hold,
            decay=2 if options.smoke else options.decay,
            leave_out=frozenset(without),
            threads=options.threads,
            smoke=options.smoke,
        )
    )
    export(run, options.out)


if __name__ == "__main__":
    try:
        main()
    except SpeechError as error:
        sys.exit(str(error))
