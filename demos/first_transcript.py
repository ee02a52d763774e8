"""The main job, shown: a recording goes in; words with times and confidence come out, and an ELAN file.

Without --audio it has eSpeak NG speak a text that no training set holds (no recorded voice is shipped), says so,
and prints what was spoken beside what was heard. With --audio it takes a person's own recording.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from refusals import plainly

TEXTS = {
    "que": (
        "Ñukanchik ayllukunaka hatun llaktapi kawsanchik.",
        "Punchanta mamaka chakrapi llankan, wawakunaka yachana wasiman rinkuna.",
        "Kayaka tukuy mashikunawan tantanakushun.",
    ),
    "swh": (
        "Mama anapika chakula cha jioni nyumbani.",
        "Watoto wanacheza nje pamoja na rafiki zao.",
        "Kesho tutaenda sokoni kununua matunda na samaki.",
    ),
}
PAUSE_S = 1.5


def speak(language: str, folder: Path) -> tuple[Path, str]:
    """A recording of eSpeak NG saying the sentences of `language`, and what they were."""
    import numpy as np
    import soundfile

    from speech.say import Espeak

    espeak = Espeak()
    pause = np.zeros(int(PAUSE_S * espeak.sample_rate), np.float32)
    pieces = [pause]
    for sentence in TEXTS[language]:
        pieces += [espeak.say(sentence, language, words_a_minute=130), pause]
    path = folder / f"spoken_{language}.wav"
    soundfile.write(path, np.concatenate(pieces), espeak.sample_rate, subtype="PCM_16")
    return path, " ".join(TEXTS[language])


def show(recording: Path, language: str, folder: Path, spoken: str | None) -> None:
    import speech
    from speech.cli.account import summary
    from speech.formats import save

    pipeline = speech.load("mini", basis="own use on this machine")
    result = pipeline.run(recording, language=language)
    transcript = result.transcript
    target = folder / f"{recording.stem}.eaf"
    save(transcript, target, force=True)
    found = sorted(w.confidence or 0.0 for s in transcript.segments for w in s.words)
    unsure = found[len(found) // 4] if found else 0.0
    print("\nWhat was heard, with times in seconds; * marks the quarter of the words it is least sure of:\n")
    for segment in transcript.segments:
        words = " ".join(w.text + ("*" if (w.confidence or 0) < unsure else "") for w in segment.words)
        print(f"  {segment.span.start_ms / 1000:7.2f} - {segment.span.end_ms / 1000:7.2f}  {words or '(no words heard)'}")
    print("\nThe first words:\n\n     start      end  confidence  word")
    for word in [w for s in transcript.segments for w in s.words][:12]:
        if word.span:
            print(f"  {word.span.start_ms / 1000:8.2f} {word.span.end_ms / 1000:8.2f}  {word.confidence or 0:10.2f}  {word.text}")
    print(f"\n{summary(result, recording.name)}")
    heard = {"With the language model of letters and words": transcript.text}
    alone = speech.load("mini", basis="own use on this machine", lm="off")
    heard["Without it, the sounds alone"] = alone.transcribe(recording, language=language).text
    compare(spoken, heard, language)
    print(
        f"\nWritten: {target} (open it in ELAN) and, beside it, {recording.name if spoken else 'nothing else; your recording is untouched'}"
    )


def compare(spoken: str | None, heard: dict[str, str], language: str) -> None:
    """What was heard in each way, and how far it is from what was spoken, where that is known."""
    from speech import languages
    from speech.score import Pair, score, summary_lines
    from speech.text import normalise

    if spoken is not None:
        print(f"\nSpoken: {normalise(spoken, languages.load(language))}")
    for way, text in heard.items():
        print(f"\n{way}:\n{' '.join(text.split())}")
        if spoken is not None:
            for line in summary_lines(score([Pair(id="demo", reference=spoken, hypothesis=text, language=language)])):
                print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, help="your own recording")
    parser.add_argument("--language", default="que", help="its ISO 639-3 code")
    parser.add_argument("--out", type=Path, default=Path("demo-output"))
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    if options.audio:
        show(options.audio, options.language, options.out, None)
        return
    if options.language not in TEXTS:
        sys.exit(
            f"The demonstration speaks {' and '.join(TEXTS)}; for another language give a recording: "
            f"make demo AUDIO=story.wav LANGUAGE={options.language}"
        )
    print("No recorded voice is shipped with this package, so eSpeak NG, a synthesiser, speaks the sample. It sounds unlike a person,")
    print("and the model was trained on people (and a little on this synthesiser). For your own recording:")
    print("  make demo AUDIO=story.wav LANGUAGE=que")
    recording, spoken = speak(options.language, options.out)
    show(recording, options.language, options.out, spoken)


if __name__ == "__main__":
    plainly(main)
