"""`speech adapt`: minutes of transcribed speech into an adapter."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from speech.adapt.drafts import SelfTaught

from speech.cli.options import LANGUAGE, stated
from speech.cli.progress import Bar
from speech.cli.streams import Streams
from speech.errors import FormatRefused
from speech.files import shown


def _drafts(taught: SelfTaught) -> dict[str, object]:
    """What learning from drafts came to, for programs."""
    before, after = (round(100 * (scores.overall.letters.value or 0.0), 2) for scores in (taught.before, taught.after))
    return {"heard_minutes": taught.heard_minutes, "minutes": taught.minutes, "clips": taught.clips,
            "cer_before": before, "cer_after": after, "kept": taught.kept}  # fmt: skip


class _Stepped:
    """Steps on a bar whose pace counts from the first of them: donors were ranked before, or an earlier run took some."""

    def __init__(self, bar: Bar) -> None:
        self._bar, self._begun = bar, False

    def __call__(self, what: str, step: int, most: int) -> None:
        if not self._begun:
            self._begun = True
            self._bar.reckon_from(step / most)
            if step:
                Streams.note(f"  going on after step {step}, where it was interrupted")
        self._bar.show(what, step / most)


@click.command("adapt", short_help="Minutes of transcribed speech into a model's adapter for a new language.")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--language", "-l", required=True, type=LANGUAGE, metavar="CODE", help="Language of the speech.")
@click.option("--out", "-o", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Where the adapter goes.")
@click.option("--base", default="mini", show_default=True, help="The model that learns: mini, a folder, or a repository that is here.")
@click.option(
    "--donor", default="auto", show_default=True, metavar="CODE", help="Language whose adapter is begun from; auto ranks them; none."
)
@click.option("--minutes", type=click.FloatRange(min=0.1), metavar="N", help="Learn from so many minutes at most, drawn by whole clips.")
@click.option("--steps", type=click.IntRange(2, 100_000), metavar="N", help="Steps of 48 s of sound; else by how much speech there is.")
@click.option("--tier", metavar="NAME", help="The tier of ELAN or Praat files that holds the transcription.")
@click.option("--card", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="The consent card, where it lies elsewhere.")
@click.option("--encoding", metavar="NAME", help="Encoding of tables and texts that are not UTF-8.")
@click.option("--leave-out", is_flag=True, help="Leave clips out, by name, whose texts have digits or foreign signs; else all is refused.")
@click.option("--full", is_flag=True, help="Let every weight of the base learn, and write a model of its own; else an adapter alone.")
@click.option("--curve/--no-curve", default=True, show_default=True, help="Learn from parts of the speech, too: what would more bring?")
@click.option(
    "--text", "texts", multiple=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="More text for its language model: plain text, a transcript, or a manifest (rows of train). May be repeated.",
)  # fmt: skip
@click.option(
    "--lm", "with_lm", type=click.Choice(("auto", "off")), default="auto", show_default=True,
    help="A language model from the same texts, kept where it helps on dev; or none.",
)  # fmt: skip
@click.option(
    "--untranscribed", type=click.Path(path_type=Path), metavar="DIR",
    help="Recordings of the language without texts: drafted, and the surest drafts learnt from, too, where that helps on dev.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace the adapter and the language model that lie there.")
@stated
def command(
    source: Path, language: str, out: Path, base: str, donor: str, minutes: float | None, steps: int | None, tier: str | None,
    card: Path | None, encoding: str | None, leave_out: bool, full: bool, curve: bool, texts: tuple[Path, ...], with_lm: str,
    untranscribed: Path | None, force: bool, as_json: bool, purpose: str, debug: bool,
) -> int:  # fmt: skip
    """Learn an adapter for a language from SOURCE: a manifest, a folder of clips with texts, or corrected ELAN files beside recordings.

    \b
    speech adapt recordings --language mdw --out mdw
    speech transcribe story.wav --language mdw --adapter mdw --out out
    Training needs what was agreed with the people recorded: speech consent record FOLDER
    """
    from speech.adapt import make_adapter
    from speech.adapt.minutes import lines
    from speech.adapt.whole import RUN
    from speech.collections import consent
    from speech.collections.answers import MANIFEST
    from speech.models.lm.finding import beside
    from speech.models.training.loop import LAST

    adapter = out / f"adapter.{language}.safetensors"
    written = [adapter, beside(adapter, language), *([out / "model.safetensors"] if full else [])]
    going_on = (out / RUN / LAST).is_file()  # a run that was cut short in its curve has written the adapter
    if not force and not going_on and (lying := [path for path in written if path.exists()]):
        raise FormatRefused(shown(lying[0]), "it lies there already", "Choose another --out, or --force", "FORMAT_EXISTS")
    if source.is_dir() and (source / MANIFEST).is_file():
        Streams.note(
            f"  Read anew from what lies in {shown(source)}. To learn from its manifest as it is: speech adapt {shown(source / MANIFEST)}"
        )
    with Bar() as bar:
        stepped = _Stepped(bar)
        made = make_adapter(
            source,
            language=language,
            out=out,
            basis=consent.basis_for(purpose),
            purpose=purpose,
            base=base,
            donor=donor,
            minutes=minutes,
            steps=steps,
            tier=tier,
            card=card,
            encoding=encoding,
            leave_out=leave_out,
            full=full,
            curve=curve,
            texts=texts,
            with_lm=with_lm,
            untranscribed=untranscribed,
            say=lambda text: Streams.note(f"  {text}"),
            progress=lambda step, cer: Streams.note(f"  step {step}: CER on dev {cer:.1f} %"),
            stepped=stepped,
        )
    overall = made.scores.overall
    cer, wer = 100 * (overall.letters.value or 0.0), 100 * (overall.words.value or 0.0)
    helped = made.weighed.helped.overall if made.weighed is not None else None
    lm_cer, lm_wer = (100 * (rate.value or 0.0) for rate in (helped.letters, helped.words)) if helped else (0.0, 0.0)
    kept = shown(made.language_model) if made.language_model is not None else None
    if as_json:
        Streams.json(
            {"path": shown(made.path), "ok": True, "language": language, "donor": made.donor, "cer": round(cer, 2), "wer": round(wer, 2),
             "clips": len(made.material.train), "dev_clips": len(made.material.dev), "split_by": made.material.split_by,
             "curve": made.adapted.curve, "learning_curve": [asdict(p) for p in made.points],
             "forecast": asdict(made.expected) if made.expected else None, "seconds": round(made.adapted.seconds, 1),
             "drafts": _drafts(made.taught) if made.taught else None,
             "language_model": {"path": kept, "cer": round(lm_cer, 2), "wer": round(lm_wer, 2)} if helped else None}
        )  # fmt: skip
        return 0
    Streams.result(f"{shown(made.path)}: CER {cer:.1f} %, WER {wer:.1f} % on {len(made.material.dev)} clips of dev, greedy")
    if kept is not None:
        Streams.result(f"{kept}: CER {lm_cer:.1f} %, WER {lm_wer:.1f} % there with this language model")
    if curve:
        Streams.note(f"  What more speech would bring (drawn in {shown(out / 'learning_curve.svg')}):")
        for line in lines(made.points, made.expected):
            Streams.note(line)
    model = f"--model {shown(out)}" if full else f"--model {base} --adapter {shown(out)}"
    Streams.note(f"  Hear with it: speech transcribe RECORDING --language {language} {model}")
    return 0
