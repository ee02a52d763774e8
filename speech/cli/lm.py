"""`speech lm`: language models, made of text on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from speech.cli.account import note
from speech.cli.options import LANGUAGE, stated
from speech.cli.streams import Streams
from speech.errors import Finding
from speech.files import shown


@click.group("lm", short_help="Language models: made from text, shown, written as ARPA.")
def command() -> None:
    """Language models: what a language's words look like, learnt from text, for `speech transcribe --lm`."""


@command.command("train")
@click.argument("texts", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--language", "-l", required=True, type=LANGUAGE, metavar="CODE", help="Language of the texts.")
@click.option(
    "--out",
    "-o",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the model goes; .arpa writes ARPA.",
)
@click.option(
    "--arpa-of", type=click.Choice(("letters", "words")), default="letters", show_default=True, help="Which n-grams an .arpa file holds."
)
@click.option(
    "--held-out", type=click.Path(path_type=Path), metavar="TEXT", help="Text that is not learnt from, to say what the model is worth."
)
@click.option("--order", type=click.IntRange(2, 12), help="Longest n-gram of letters; else chosen on a tenth of the text.")
@click.option(
    "--at-least", type=click.IntRange(1, 100), help="Sentences that n-grams of 5 letters or more must stand in; else chosen, 2 at least."
)
@click.option("--encoding", metavar="NAME", help="Encoding of plain text that is not UTF-8.")
@click.option("--force", is_flag=True, help="Replace another file that lies there.")
@stated
def train(
    texts: tuple[Path, ...], language: str, out: Path, arpa_of: str, held_out: Path | None, order: int | None, at_least: int | None,
    encoding: str | None, force: bool, as_json: bool, purpose: str, debug: bool,
) -> int:  # fmt: skip
    """Learn from TEXTS: plain text (a line a sentence), transcripts in any format, manifests (rows of train).

    \b
    speech lm train stories.txt corrected.eaf --language que --out lm.que.safetensors
    speech transcribe story.wav --language que --lm lm.que.safetensors --out out
    """
    from speech import languages, lm
    from speech.collections import consent
    from speech.errors import FormatRefused
    from speech.models.lm.files import save, write_arpa
    from speech.models.lm.train import TrainSettings

    languages.check_code(language)
    if out.exists() and not force:
        raise FormatRefused(shown(out), "another file of this name exists", "Choose another --out, or --force", "FORMAT_EXISTS")
    context = consent.Context(basis=consent.basis_for(purpose), purpose=purpose)
    read = lm.read_texts(texts, context=context, encoding=encoding)
    given = TrainSettings(order=order or 8, at_least=at_least or 2) if order or at_least else None
    model, findings = lm.learn(read, language, lm.LearnSettings(letters=given))
    written = model.words.ngram if model.words and arpa_of == "words" else model.letters
    if out.suffix.lower() == ".arpa" and written.order > 6:
        findings = [*findings, too_long_for_kenlm(out, written.order)]
    if held_out is not None:
        (unseen,) = lm.read_texts([held_out], context=context, encoding=encoding)
        model.card["held_out"] = lm.held_out(model, unseen.sentences, language)
    write_arpa(written, out) if out.suffix.lower() == ".arpa" else save(model, out)
    size, unseen_text = out.stat().st_size, model.card.get("held_out")
    different = int((model.words.trie.words >= 0).sum()) if model.words else 0
    facts = {
        "sentences": model.card["sentences"],
        "words": model.card["words"],
        "different_words": different,
        "order": model.letters.order,
        "smoothing": model.card["smoothing"],
        "ngrams": len(model.letters),
        "bytes": size,
        **({"held_out": unseen_text} if unseen_text else {}),
    }
    if as_json:
        Streams.json({"path": shown(out), "ok": True, **facts})
    else:
        learnt = f"{facts['sentences']:,} sentences, {facts['words']:,} words ({different:,} different)"
        Streams.result(f"{shown(out)}: {learnt}; {len(model.letters):,} n-grams of up to {facts['order']} letters, {size / 1e6:.1f} MB")
        if isinstance(unseen_text, dict):
            Streams.result(f"  held-out text: perplexity {unseen_text['perplexity']} a letter, over {unseen_text['letters']:,} letters")
    for finding in findings:
        Streams.note("  " + note(finding))
    return 0


def too_long_for_kenlm(out: Path, order: int) -> Finding:
    """What to do where another program reads shorter n-grams only."""
    return Finding(
        code="MODEL_ORDER",
        where=shown(out),
        what=f"its n-grams have up to {order} letters; KenLM as it is usually built reads 6",
        mend="Give --order 6, or build KenLM with a higher KENLM_MAX_ORDER",
    )


@command.command("show")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One object on standard output.")
@click.option("--debug", is_flag=True, help="Show the trace of an error.")
def show(file: Path, as_json: bool, debug: bool) -> int:
    """What a language model holds and what it was learnt from."""
    from speech.models.lm.files import load

    model = load(file).model
    facts = {
        "order": model.letters.order,
        "ngrams": len(model.letters),
        "letters": len(model.letters.units),
        "different_words": int((model.words.trie.words >= 0).sum()) if model.words else 0,
        "weights": {name: getattr(model.weights, name) for name in ("weight", "bonus", "words", "hotword")},
        "card": model.card,
    }
    if as_json:
        Streams.json({"path": shown(file), "ok": True, **facts})
        return 0
    Streams.result(shown(file))
    for name, value in facts.items():
        if name != "card":
            Streams.result(f"  {name.replace('_', ' ')}: {value}")
    for name, value in model.card.items():
        Streams.result(f"  {name.replace('_', ' ')}: {value}")
    return 0
