"""What the workers do, by kind: look at a recording (what it holds, its peaks, a copy that browsers play), tell its language, transcribe
it, place an old transcript on it, learn, try how fast this machine learns, and have a text spoken.

Every kind asks the gate when it begins: what was allowed when the job was put into the queue may be withdrawn by then. Work that was
done already, in an attempt that was cut off, is found by its result and not done twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from speech import languages
from speech.audio import load
from speech.audio.copies import write_flac
from speech.audio.peaks import write_peaks
from speech.collections import acts
from speech.errors import AudioRefused, PathRefused, Refusal
from speech.jobs import Job, Kind, Report
from speech.languages import UNDETERMINED
from speech.models import hub
from speech.review import edits
from speech.review.doubts import doubts_in
from speech.review.orders import first_unsure
from speech.review.spoken import may_be_spoken
from speech.review.workspace import Listed, codes_of
from speech.ui.aloud import how, told
from speech.ui.held import Held, direct

if TYPE_CHECKING:
    from speech.collections.events import Event
    from speech.collections.made import Made
    from speech.transcribe import Asked

HEAVY = ("transcribe", "align", "identify", "adapt")
LIGHT = ("peaks", "pace")
VOICE = ("say",)
"""By a process of its own: a text of two lines does not wait for a transcription, nor a waveform for a text of twenty pages."""
_SHARES = {
    "transcribe": {"reading": 0.05, "loading the model": 0.05, "finding speech": 0.1, "recognising": 0.8},
    "align": {"loading the model": 0.1, "reading": 0.05, "finding speech": 0.1, "recognising": 0.6, "placing the text": 0.15},
    "identify": {"reading": 0.15, "loading the model": 0.1, "finding speech": 0.25, "telling languages": 0.5},
    "peaks": {"reading": 0.8, "drawing": 0.05, "copying": 0.15},
}

_SILENT_S = 600.0
"""A look at a file that says nothing for so long has come to no end."""


def kinds(held: Held, lane: str) -> dict[str, Kind]:
    """The kinds of work of a lane."""
    if lane == "light":
        return {
            "peaks": Kind(work=lambda job, report: look(held, job, report), shares=_SHARES["peaks"], silent_s=_SILENT_S),
            "pace": Kind(work=lambda job, report: pace(held)),
        }
    if lane == "voice":
        return {"say": Kind(work=lambda job, report: speak(held, job, report), shares={"speaking": 1.0})}
    return {
        "transcribe": Kind(work=lambda job, report: transcribe(held, job, report), shares=_steps),
        "align": Kind(work=lambda job, report: align(held, job, report), shares=_SHARES["align"]),
        "identify": Kind(work=lambda job, report: identify(held, job, report), shares=_SHARES["identify"]),
        "adapt": Kind(work=lambda job, report: learn(held, job, report)),
    }


def _recording(held: Held, job: Job) -> Listed:
    found = held.find(job.recording or "")
    if found is None:
        raise Refusal("recording", "the recording is not there any more", "Put it back, then begin again", "REVIEW_RECORDING")
    return found


def look(held: Held, job: Job, report: Report) -> Mapping[str, Any]:
    """Read a recording once: keep what it holds, draw its peaks, and make a copy where a browser needs one."""
    known = _recording(held, job)
    held.workspace().require(known, "play")
    try:
        with load(held.path(known), progress=lambda done, total: report("reading", done, total)) as signal:
            report("drawing", 0, 1)
            write_peaks(signal, held.peaks_file(known), progress=lambda done, total: report("drawing", done, total))
            facts = signal.probe.as_dict()
            copied = not direct(facts)
            if copied:
                write_flac(signal, held.copy_file(known), progress=lambda done, total: report("copying", done, total))
            held.keep_facts(known, signal)
            return {"duration_ms": signal.duration_ms, "copied": copied}
    except (AudioRefused, PathRefused) as refused:
        held.keep_refusal(known, {"code": refused.code, "what": refused.what, "mend": refused.mend})
        raise


def pace(held: Held) -> Mapping[str, Any]:
    """Try how long a step of learning takes here."""
    from speech.review import learning  # with torch: a worker that only draws waveforms, or speaks, takes 130 MB less without it

    return {"step_s": learning.try_pace(learning.models_of(held.workspace()))}


def asked_of(settings: Mapping[str, Any]) -> Asked:
    """What a job's settings ask of `transcribe` beside the words: languages, speakers, and what tells these apart.

    Raises
    ------
    UsageFailure
        `SPEAKERS`.
    """
    from speech import diarise
    from speech.transcribe import Asked, speakers_of

    return Asked(
        language=str(settings["language"]),
        speakers=speakers_of(str(settings.get("speakers", "off"))),
        per_speaker=settings.get("channels") == "per-speaker",
        diariser=diarise.Later(str(settings.get("diariser", "embedded"))),
    )


def _steps(job: Job) -> Mapping[str, float]:
    """The shares of the steps of a transcription, by whether speakers and languages are told apart in it."""
    shares, language = dict(_SHARES["transcribe"]), str(job.settings.get("language", ""))
    if job.settings.get("speakers", "off") != "off" or job.settings.get("channels") == "per-speaker":
        shares["hearing voices"] = 0.3
    if language == "auto" or "," in language:
        shares["telling languages"] = 1.3
    total = sum(shares.values())
    return {step: share / total for step, share in shares.items()}


def transcribe(held: Held, job: Job, report: Report) -> Mapping[str, Any]:
    """Turn a recording into its draft, under an edit that bears the job's id: a second attempt finds it there."""
    known = _recording(held, job)
    done = _coverage_of(held, known, job)
    if done is not None:
        return done
    from speech import transcribe as verb
    from speech.collections.outputs import deliver
    from speech.models.lm.finding import LanguageModels
    from speech.models.recogniser import Later, LoadSettings
    from speech.review import learning

    asked, model = asked_of(job.settings), str(job.settings.get("model", "mini"))
    codes = verb.codes_of(asked)
    one = codes[0] if asked.several is None else ""
    context = held.workspace().context
    path = held.path(known)
    # Of several languages each is heard by the model as it came: what was learnt here is one language's.
    adapter = learning.in_use(learning.models_of(held.workspace()), one) if one and model == hub.app_base() else None
    later = Later(model, LoadSettings(adapter=adapter), codes) if one != UNDETERMINED else None
    language_models = LanguageModels(str(job.settings.get("lm", "auto")), tuple(map(str, job.settings.get("words", ()))))
    try:
        result = verb.transcribe(
            path,
            language=asked.language,
            speakers=asked.speakers,
            diariser=asked.diariser,
            model=later,
            context=context,
            language_models=language_models,
            settings=verb.Settings(per_speaker=asked.per_speaker),
            progress=report,
        )
    except Refusal as refused:
        deliver(path, refused, verb=asked.verb, context=context)  # the ledger's row; raises it again
        raise
    event = acts.verb_event(asked.verb, path, result, (), context, None)
    told = _drafted(held, known, job, result, source=model, language=one, event=event)
    return {**told, "language": asked.language, "model": model}


def _drafted(held: Held, known: Listed, job: Job, made: Made, *, source: str, language: str, event: Event) -> dict[str, Any]:
    """Make what a job made the draft of its recording; what the job's row says of it."""
    held.workspace().draft(known, made.transcript, person=job.owner, id=_edit_of(job), source=source, language=language, event=event)
    if (first := first_unsure(edits.segments_of(held.store, known.id).segments.values(), doubts_in(made.transcript))) is not None:
        edits.put_place(held.store, known.id, first, job.owner)  # there who asked for it begins to correct
    return {
        "coverage": made.ending()["coverage"],
        "segments": len(made.transcript.segments),
        "findings": [{"code": f.code, "what": f.what, "mend": f.mend} for f in made.findings],
        "seconds": made.seconds,
    }


def align(held: Held, job: Job, report: Report) -> Mapping[str, Any]:
    """Place an old transcript on its recording: it becomes the draft, under an edit that bears the job's id, as a transcription does."""
    known = _recording(held, job)
    done = _coverage_of(held, known, job)
    if done is not None:
        return done
    from speech import align as verb
    from speech.align.recording import ALIGN
    from speech.collections.outputs import deliver
    from speech.models.recogniser import Later, LoadSettings
    from speech.review import learning

    language, model = str(job.settings["language"]), str(job.settings["model"])
    workspace, path = held.workspace(), held.path(known)
    adapter = learning.in_use(learning.models_of(workspace), language) if model == hub.app_base() else None
    try:
        workspace.require(known, *ALIGN.scopes)
        sent = held.texts.find(str(job.settings["text"]), job.owner)
        if sent is None:
            raise Refusal("text", "the transcript was deleted", "Send it again", "TEXT_EMPTY")
        old = held.texts.read(sent, job.settings["tiers"], language, codes_of(workspace.folder))
        report("loading the model", 0, 1)
        recogniser = Later(model, LoadSettings(adapter=adapter), ())()
        through = language if adapter else verb.through_of(recogniser, language, old)
        result = verb.align(
            path, old, language=language, model=recogniser, context=workspace.context, through=through, progress=report
        )  # fmt: skip
    except Refusal as refused:
        deliver(path, refused, verb=ALIGN, context=workspace.context)  # the ledger's row; raises it again
        raise
    event = acts.verb_event(ALIGN, path, result, (), workspace.context, None)
    told = _drafted(held, known, job, result, source=sent.name, language=language, event=event)
    lines = [line for line in result.lines if line.words]
    return {
        **told,
        "language": language,
        "model": model,
        "through": {"code": result.through, "name": languages.named(result.through)} if result.through else None,
        "lines": {"all": len(lines), "placed": sum(line.found for line in lines)},
    }


def identify(held: Held, job: Job, report: Report) -> Mapping[str, Any]:
    """Tell which language is spoken in a recording, of those that its collection names; the answer is the job's result alone."""
    known = _recording(held, job)
    from speech import identify as verb
    from speech.collections.outputs import deliver
    from speech.models.recogniser import LoadSettings

    workspace, path = held.workspace(), held.path(known)
    outcome: verb.Identified | Refusal
    try:
        workspace.require(known, *verb.IDENTIFY.scopes)
        outcome = verb.identify(
            path,
            model=verb.Later(hub.MINI, LoadSettings()),
            context=workspace.context,
            candidates=may_be_spoken(workspace, known).limited,
            progress=report,
        )
    except Refusal as refused:
        outcome = refused
    result = deliver(path, outcome, verb=verb.IDENTIFY, context=workspace.context)  # the ledger's row; raises a refusal again
    told = result.as_dict(known.path)
    return {name: told[name] for name in ("language", "probability", "candidates", "speech_ms", "calibrated")} | {
        "findings": [{"code": f.code, "what": f.what, "mend": f.mend} for f in result.findings]
    }


def learn(held: Held, job: Job, report: Report) -> Mapping[str, Any]:
    """Learn an adapter from what is approved, into a folder that bears the job's id; a run that was cut off goes on."""
    from speech.review import learning

    language = str(job.settings["language"])
    workspace = held.workspace()
    models = learning.models_of(workspace)
    done = [told for told in learning.learnt(models, language) if told["adapter"] == job.id]
    if done:
        return done[0]
    context = workspace.context
    return learning.learn(
        learning.lesson_in(workspace, language),
        language,
        models=models,
        name=job.id,
        base=hub.app_base(),
        basis=context.basis,
        purpose=context.purpose,
        stepped=lambda what, step, most: report(what, step, most),
    )


def speak(held: Held, job: Job, report: Report) -> Mapping[str, Any]:
    """Have a text spoken, sentence by sentence, into a file that says of itself that it is synthetic; a second attempt makes the same."""
    from speech import say as verb

    asked, said = job.settings, str(job.settings["said"])
    text = held.spoken.text(said)
    if text is None:
        raise Refusal("text", "the text was deleted", "Have it spoken again", "TEXT_EMPTY")
    out = held.spoken.file(said, str(asked["suffix"]))
    made = verb.say(
        text, **how(asked), out=out, force=True, context=held.workspace().context, progress=lambda done, of: report("speaking", done, of)
    )
    return {
        "duration_ms": made.duration_ms,
        "sha256": made.sha256,
        "bytes": out.stat().st_size,
        "findings": [{"code": f.code, "what": f.what, "mend": f.mend} for f in made.findings],
        **told(made.checked),
    }


def _edit_of(job: Job) -> str:
    return f"draft-{job.id}"


def _coverage_of(held: Held, known: Listed, job: Job) -> Mapping[str, Any] | None:
    """The result of an attempt that stored its draft and was cut off before it could say so."""
    from speech.store.tables import edit

    with held.store.read() as connection:
        found = connection.execute(edit.select().where(edit.c.id == _edit_of(job), edit.c.recording == known.id)).mappings().first()
    if found is None:
        return None
    about = edits.about(held.store, known.id).get("about", {})
    coverage = about.get("coverage") if isinstance(about, dict) else None
    segments = len(edits.fold_at(held.store, known.id, int(found["seq"])).forms)
    return {
        "coverage": coverage,
        "segments": segments,
        "language": str(job.settings["language"]),
        "model": str(job.settings.get("model", "mini")),
    }
