"""A real review: a Kichwa chapter drafted by a base that never heard Kichwa, corrected in the browser, taught with the button, judged.

Data: `open/que_killkan_long` (Killkan, CC BY 4.0; several actors, not labelled), one recording of 13 minutes with its sentences; consent:
the collection's card, data_manifests/que_killkan.card.toml. The sentences' times are taken as they are; their texts are what the
reviewer knows. Chapter 1 is test everywhere else: the adapter that is learnt here is thrown away, and enters no other figure.
The base has no Kichwa adapter, so the draft is what it hears with another language's: the one that hears the first ten sentences best.

Command: python recipes/real_review.py --base PATH [--out DIR] [--anew] [--smoke]
1. a collection with the recording and its card, a draft in the store of the app
2. the first half: ten segments by keys that are really pressed in Chromium (heard, mended, approved), the rest by edits through the routes
3. the page Learn: its button, a job in the app's worker, old and new, **Use this one**
4. CER on the second half, before and after, with intervals; EAF downloaded and read back equal; a card in docs/review_runs
Stages that are done are not done again; pictures of each lie in --out. `--base` is a folder with adapters of other languages; that of
the figures heard 33 hours: python recipes/train_base.py --without que --out PATH --hold 1800 --decay 700
(mean dev CER 61, 25 minutes of one core).
../shared/training/without_yor_swh has a Kichwa adapter, and serves only to try the way (--smoke).
Needs ../shared, Chromium and the extras app and dev.
Time: about 20 minutes on two cores, most of it learning. `--smoke` takes twelve sentences and two steps, and writes no card.
Expected: see docs/app_scores.md.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import speech
from speech import formats, languages
from speech.collections import answers
from speech.jobs import Queue, Worker
from speech.models.checkpoint import open_checkpoint
from speech.models.hub import BASE_VARIABLE
from speech.models.training.environment import environment
from speech.review import edits, exchange, learning
from speech.review.orders import distance
from speech.score import Pair, score
from speech.score.summary import in_per_cent
from speech.store import Store, open_store
from speech.text import normalise
from speech.types import Passage, Segment, Span
from speech.ui.served import Served
from speech.ui.users import Users
from speech.ui.work import kinds
from speech.ui.worker import Workers

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import app_page  # benchmarks and tests are beside, not in the package
from app_effort import mend, readings_of

from tests.app_site import CHROMIUM, Desk, Site, chromium, serve, sit_down

LANGUAGE = "que"
NAME = "Chapter01.opus"
CARD = Path("data_manifests/que_killkan.card.toml")
BY_KEYS = 10
SMOKE = 12
PATIENCE_S = 4 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence as it was said, and when."""

    id: str
    span: Span
    text: str


@dataclass(slots=True, kw_only=True)
class Review:
    """What the stages share."""

    out: Path
    base: str
    sentences: list[Sentence]
    smoke: bool
    by_keys: int
    store: Store | None = None

    @property
    def tapes(self) -> Path:
        """The collection."""
        return self.out / "tapes"

    @property
    def half(self) -> int:
        """So many sentences are corrected; the others judge."""
        return len(self.sentences) // 2

    def note(self, name: str, told: Any = None) -> Any:
        """Keep what a stage found, or read it; None where the stage was not done."""
        path = self.out / f"{name}.json"
        if told is not None:
            path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def say(text: str) -> None:
    """A line that is seen at once."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def sentences_of(data: Path) -> list[Sentence]:
    """The chapter's sentences as a model may learn them; those with digits or foreign signs stay as they are, and are left out later."""
    table = languages.load(LANGUAGE)
    with (data / "open" / "que_killkan_long" / "Chapter01.sentences.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    spans = [Span(start_ms=round(1000 * float(r["start"])), end_ms=round(1000 * float(r["end"]))) for r in rows]
    return [
        Sentence(id=f"a{n}", span=span, text=normalise(row["text"], table))
        for n, (row, span) in enumerate(zip(rows, spans, strict=True), 1)
        if normalise(row["text"], table)
    ]


def collect(review: Review, data: Path) -> None:
    """A folder as a linguist has it: the recording, and the card of its collection."""
    review.tapes.mkdir(parents=True, exist_ok=True)
    if not (review.tapes / NAME).exists():
        shutil.copyfile(data / "open" / "que_killkan_long" / NAME, review.tapes / NAME)
    shutil.copyfile(CARD, review.tapes / answers.CARD)


def heard(review: Review, some: Sequence[Sentence], language: str, adapter: Path | None = None, lm: str = "auto") -> list[Segment]:
    """What the base hears of some sentences, with one of its own adapters or with one that was learnt; ids are the sentences'."""
    pipeline = speech.load(review.base, adapter=adapter, lm=lm)
    passages = [Passage(span=s.span, language=language) for s in some]
    found = pipeline.transcribe(review.tapes / NAME, passages=passages).segments
    return [replace(segment, id=s.id, language=LANGUAGE) for segment, s in zip(found, some, strict=True)]


def nearest(review: Review) -> str:
    """The language of the base whose adapter hears the first sentences best, those that the reviewer has written down."""
    known = sorted(code for code in open_checkpoint(Path(review.base)).adapters if code != LANGUAGE)
    first = review.sentences[: review.by_keys]
    wrong = {}
    for code in known:
        found = heard(review, first, code, lm="off")
        pairs = [Pair(id=s.id, reference=s.text, hypothesis=h.text, language=LANGUAGE) for s, h in zip(first, found, strict=True)]
        wrong[code] = 100 * (score(pairs).overall.letters.value or 0.0)
    said = ", ".join(f"{code} {value:.0f}" for code, value in sorted(wrong.items(), key=lambda one: one[1]))
    say(f"per cent of letters that adapters hear wrong in {len(first)} sentences: {said}")
    return min(wrong, key=lambda code: wrong[code])


def rates(review: Review, found: Sequence[Segment]) -> dict[str, Any]:
    """CER and WER of the second half, with intervals over its sentences."""
    said = {s.id: s.text for s in review.sentences[review.half :]}
    pairs = [Pair(id=s.id, reference=said[s.id], hypothesis=s.text, language=LANGUAGE) for s in found if s.id in said]
    overall = score(pairs).overall
    return {kind: rate.as_dict() | {"said": in_per_cent(rate)} for kind, rate in (("cer", overall.letters), ("wer", overall.words))}


def draft(review: Review, served: Served, id: str) -> None:
    """The base's draft of the whole chapter, once."""
    if edits.segments_of(served.store, id).drafted:
        return
    donor = nearest(review)
    segments = heard(review, review.sentences, donor, lm="off")
    transcript = speech.types.Transcript(segments=tuple(segments))
    edits.draft(served.store, id, transcript, person="oral-speech", id=f"draft-{id}", source=Path(review.base).name)
    served.workspace().set_language(id, LANGUAGE)
    before = review.note("before", {"donor": donor, **rates(review, segments)})
    say(f"drafted with the adapter of {donor}; CER of the second half {before['cer']['said']} %")


def waiting(desk: Desk, some: Sequence[Sentence]) -> list[Sentence]:
    """Those that are not approved yet."""
    held = desk.segments()
    return [s for s in some if held[s.id]["status"] != "approved"]


def correct_by_keys(review: Review, desk: Desk) -> None:
    """Hear, mend and approve with keys alone, as the page is used; counts the keys that went down."""
    todo = waiting(desk, review.sentences[: review.by_keys])
    if not todo:
        return
    from app_effort import COUNT

    drafted = edits.segments_of(desk.site.store, desk.recording).segments
    desk.page.evaluate(COUNT)
    desk.click(todo[0].id, ".when")
    desk.press("Enter", "Control+Enter")
    told = review.note("by_keys") or {"segments": 0, "keys": 0, "letters": 0, "errors": 0}
    for sentence in todo:
        if desk.chosen != sentence.id:
            raise RuntimeError(f"{desk.chosen} is chosen and not {sentence.id}")
        segment = drafted[sentence.id]
        keys, *_ = mend(desk, sentence.text, readings_of(segment))
        desk.wait_saved()
        desk.page.locator(f".row[data-id='{sentence.id}'] .unheard").wait_for(state="detached", timeout=60_000)
        desk.press("Control+Shift+Enter")
        told = {
            "segments": told["segments"] + 1,
            "keys": told["keys"] + keys + 3,
            "letters": told["letters"] + len(sentence.text),
            "errors": told["errors"] + distance(segment.text, sentence.text),
        }
        review.note("by_keys", told)
    desk.wait_saved()
    if left := waiting(desk, todo):
        raise RuntimeError(f"not approved: {[s.id for s in left]}")
    wrong = f"{told['errors']} of them wrong in the draft"
    say(f"{told['segments']} segments by keys: {told['keys']} keys, {told['letters']} letters, {wrong}")


def correct_by_replay(review: Review, desk: Desk) -> None:
    """The rest of the half through the routes that the page uses: text, heard, approved."""
    todo = waiting(desk, review.sentences[: review.half])
    address = f"{desk.site.address}/api/recordings/{desk.recording}"
    held = edits.segments_of(desk.site.store, desk.recording)

    def send(path: str, body: dict[str, Any]) -> Any:
        answer = desk.page.request.post(f"{address}/{path}", data=body, headers={"X-Speech": "1", "Origin": desk.site.address})
        if not answer.ok:
            raise RuntimeError(f"{path}: {answer.status} {answer.text()}")
        return answer.json() if path == "edits" else None

    for s in todo:
        version = held.versions[s.id]
        if held.forms[s.id].get("text", "") != s.text:
            asked = {"id": f"text-{s.id}", "base": {s.id: version}, "act": "text", "segment": s.id, "text": s.text}
            version = send("edits", asked)["segments"][s.id]["version"]
        send("heard", {"segment": s.id})
        send("edits", {"id": f"approve-{s.id}", "base": {s.id: version}, "act": "status", "segment": s.id, "status": "approved"})
    if left := waiting(desk, review.sentences[: review.half]):
        raise RuntimeError(f"not approved: {[s.id for s in left]}")
    say(f"{len(todo)} segments by replay; {review.half} of {len(review.sentences)} are approved")


def teach(review: Review, desk: Desk) -> None:
    """The page Learn: its button, until the job in the worker has ended; then the new adapter is put to use."""
    page, address = desk.page, desk.site.address
    page.goto(f"{address}/")
    page.click('[role=tab][data-tab-id="learn"]')
    page.wait_for_selector("#page-learn .learn section")
    picture(review, desk, "4_learn")
    told = page.request.get(f"{address}/api/learn/{LANGUAGE}").json()
    if not told["runs"]:
        if told["job"] is None or told["job"]["state"] not in ("queued", "running", "paused"):
            say(f"learning from {told['lesson']['train_ms'] / 60_000:.1f} minutes, judged by {told['lesson']['dev_ms'] / 60_000:.1f}; "
                f"{told['cost']['steps']} steps with the curve")  # fmt: skip
            page.click("#learn-go")
        follow(review, desk)
    told = page.request.get(f"{address}/api/learn/{LANGUAGE}").json()
    adapter = told["runs"][-1]["adapter"]
    page.wait_for_selector(f"#learn-use-{adapter}, .chosen", timeout=30_000)
    picture(review, desk, "6_learnt")
    if told["in_use"] != adapter:
        page.click(f"#learn-use-{adapter}")
        page.wait_for_selector("#learn-back")
    picture(review, desk, "7_in_use")
    say("the new adapter is in use")


def follow(review: Review, desk: Desk) -> None:
    """Wait for the job, and say how far it is."""
    until, shown = time.monotonic() + PATIENCE_S, ""
    while time.monotonic() < until:
        job = desk.page.request.get(f"{desk.site.address}/api/learn/{LANGUAGE}").json()["job"] or {}
        if job.get("state") == "done":
            return
        if job.get("state") in ("failed", "cancelled"):
            raise RuntimeError(f"learning {job['state']}: {job.get('refusal')}")
        now = f"{job.get('step')}, {10 * (10 * (job.get('done') or 0) // (job.get('total') or 1))} %"
        if now != shown and job.get("total"):
            if not shown:
                desk.page.wait_for_timeout(3500)
                picture(review, desk, "5_learning")
            say(now)
            shown = now
        desk.page.wait_for_timeout(2000)
    raise RuntimeError(f"learning has not ended after {PATIENCE_S / 3600:g} hours")


def exported(review: Review, desk: Desk) -> str:
    """The EAF that the page gives, read back and held against the store."""
    got = desk.page.request.get(f"{desk.site.address}/download/{desk.recording}?format=eaf")
    target = review.out / "Chapter01.eaf"
    target.write_bytes(got.body())
    workspace = desk.site.served.workspace()
    stored = exchange.transcript_of(workspace, workspace.get(desk.recording))
    eaf = formats.by_name("eaf")
    back, kept = eaf.kept(formats.read(target)).segments, eaf.kept(stored).segments
    if back != kept:
        raise RuntimeError("the EAF does not read back as what the store holds")
    approved = sum(s.status == "approved" for s in back)
    return f"EAF exported and read back: {len(back)} segments, {approved} of them approved, all equal to the store's."


def picture(review: Review, desk: Desk, name: str) -> None:
    """What is seen now."""
    desk.page.screenshot(path=str(review.out / f"{name}.png"), full_page=True)


@contextmanager
def working(review: Review, served: Served) -> Iterator[None]:
    """The app's workers in processes of their own; with --smoke here, and with two steps."""
    if not review.smoke:
        workers = Workers(served.store, served.id, review.tapes)
        workers.start()
        try:
            yield
        finally:
            workers.stop()
        return
    import threading

    stop = threading.Event()

    def work(lane: str) -> None:
        worker = Worker(Queue(served.store), kinds(served, lane), workspace=served.id, beat_s=0.1)
        while not stop.wait(0.2):
            worker.one()

    with (
        mock.patch("speech.adapt.whole.steps_for", lambda seconds, large: 2),
        mock.patch("speech.adapt.batches.SHAPES", ((2, 12.0),)),
        mock.patch("speech.adapt.minutes.SIZES", ()),
    ):
        threads = [threading.Thread(target=work, args=(lane,), daemon=True) for lane in ("light", "heavy")]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(120)


def judged(review: Review, served: Served) -> dict[str, Any]:
    """The second half with what was learnt, as Transcribe would hear it now, and greedily."""
    models = learning.models_of(served.workspace())
    adapter = learning.in_use(models, LANGUAGE)
    second = review.sentences[review.half :]
    after = rates(review, heard(review, second, LANGUAGE, adapter))
    greedy = rates(review, heard(review, second, LANGUAGE, adapter, lm="off"))
    return {"after": after, "greedy": greedy, "told": learning.learnt(models, LANGUAGE)[-1]}


def go(review: Review, data: Path) -> dict[str, Any]:
    """All stages; the card."""
    collect(review, data)
    with open_store(review.out / "store.sqlite3") as store:
        served = Served(store, review.tapes, users=Users(None))
        served.workspace().refresh()
        known = next(r for r in served.workspace().recordings() if r.path == NAME)
        served.require(known, ("transcribe_local", "review", "play", learning.SCOPE))
        served.look(known)
        draft(review, served, known.id)
        site = Site(store=store, served=served, ids={NAME: known.id})
        with working(review, served), serve(site), chromium() as browser:
            wait_until_played(served, known.id)
            desk = sit_down(browser, site, NAME)
            picture(review, desk, "1_draft")
            correct_by_keys(review, desk)
            picture(review, desk, "2_by_keys")
            correct_by_replay(review, desk)
            desk.page.reload()
            desk.page.locator(".row.chosen").wait_for()
            picture(review, desk, "3_first_half")
            teach(review, desk)
            found = judged(review, served)
            sentence = exported(review, desk)
            if desk.faults:
                raise RuntimeError(f"the page had faults: {desk.faults}")
    before, keys = review.note("before"), review.note("by_keys")
    told = found["told"]
    return {
        "recording": "a Kichwa chapter of 13 minutes (que_killkan_long)",
        "said": (
            f"Drafted by `{Path(review.base).name}`, which never heard the language, with the adapter of `{before['donor']}`, which heard "
            f"the first {review.by_keys} sentences best. {review.half} of {len(review.sentences)} segments corrected and approved: "
            f"{review.by_keys} by keys in the browser, heard to their end ({keys['keys']} keys for {keys['letters']} letters, "
            f"{keys['errors']} of them wrong in the draft), the rest by replay. Taught with the button of the page Learn from "
            f"{told['minutes']} minutes, {told['steps']} steps with the learning curve. The second half, which taught nothing, judges: the "
            f"same cast, sentences of the same story. After is with the language model that was learnt beside the adapter, where it was "
            f"kept; greedy it is {found['greedy']['cer']['said']}. The adapter is thrown away."
        ),
        "base": Path(review.base).name,
        "before": before,
        "by_keys": keys,
        "after": found["after"],
        "greedy": found["greedy"],
        "learnt": told,
        "exported": sentence,
        "environment": environment(),
    }  # fmt: skip


def wait_until_played(served: Served, id: str) -> None:
    """Until a worker has looked at the recording, so that it sounds."""
    for _ in range(600):
        known = served.find(id)
        if known and served.playable(known):
            return
        time.sleep(0.5)
    raise RuntimeError("the recording cannot be played after five minutes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/speech"))
    parser.add_argument("--base", type=Path, help="the folder of a base that never heard Kichwa")
    parser.add_argument("--out", type=Path, default=Path("demo-output/real_review"))
    parser.add_argument("--anew", action="store_true", help="begin from nothing; what lies in --out is deleted")
    parser.add_argument("--smoke", action="store_true", help="twelve sentences and two steps, no card")
    options = parser.parse_args()
    base = options.base or (options.data.parent / "training" / "without_yor_swh" if options.smoke else None)
    if base is None:
        sys.exit("name a base that never heard Kichwa: --base PATH")
    if not CHROMIUM.exists():
        sys.exit("there is no Chromium (apt-get install chromium)")
    if LANGUAGE in open_checkpoint(base).adapters and not options.smoke:
        sys.exit(f"{base} has an adapter for Kichwa: it has heard it")
    out = options.out.with_name(f"{options.out.name}_smoke") if options.smoke else options.out
    if options.anew or options.smoke:
        for lying in (out, out / "tapes.workspace"):
            shutil.rmtree(lying, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    os.environ[BASE_VARIABLE] = str(base.resolve())
    os.environ["SPEECH_STORE"] = str((out / "store.sqlite3").resolve())
    sentences = sentences_of(options.data)
    review = Review(
        out=out.resolve(), base=str(base.resolve()), sentences=sentences[:SMOKE] if options.smoke else sentences, smoke=options.smoke,
        by_keys=2 if options.smoke else BY_KEYS,
    )  # fmt: skip
    say(f"{len(review.sentences)} sentences; what is made lies in {out}")
    card = go(review, options.data)
    say(f"CER of the second half: {card['before']['cer']['said']} before, {card['after']['cer']['said']} after")
    say(card["exported"])
    shutil.rmtree(review.out / "tapes.workspace" / "models")
    say("what was learnt is deleted")
    if not options.smoke:
        app_page.RUNS.mkdir(exist_ok=True)
        text = json.dumps(card, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        (app_page.RUNS / "real_que_killkan_long.json").write_text(text, encoding="utf-8")
        app_page.write()


if __name__ == "__main__":
    main()
