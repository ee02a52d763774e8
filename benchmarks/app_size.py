"""The review page at its limit and its sound: two hours with 5,000 segments, and what is really heard of a segment.

Headless Chromium through Playwright, the server in a thread of this process, both on this machine and whatever else runs on it.
- **Size** (rows R1, R2, R4 of the specification): seconds until the recording may be worked on, JS heap and elements over a full scroll,
  real Enter presses until the next segment has the focus and sounds, the play key until `playing`, and where the element's clock stood
  then and when it stopped.
- **Sound** (R2, R3): samples as they leave the element, captured through an AudioWorklet, from WAV, and from Opus and MP3 originals or
  the copies that the app plays instead. Seeded noise tells to the sample what was heard first and last; seeded tones tell the pitch
  at each speed.
Command: python benchmarks/app_size.py [--smoke]      (needs Chromium and the extras app and dev)
Goals: 3 s, 100 MB, 2,000 elements, 150 ms to next, p95 100 ms from key to `playing`, start and stop within 50 ms, pitch within 2 %.
"""

from __future__ import annotations

import argparse
import base64
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import app_page
import numpy as np
import soundfile
import soxr
from figures import keep
from numpy.typing import NDArray

from speech.types import Segment, Span

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.app_site import AUDIO, CHROMIUM, NODES, Desk, Site, chromium, make_site, serve, sit_down  # tests are no package of the program
from tests.ui_element import sessions

Samples = NDArray[np.float32]
RATE = 48_000
"""Of what is captured."""
SPEEDS = (0.5, 0.7, 1.0, 1.3, 1.6, 2.0)
SEED = 20261127

ENTER = """() => { const root = document.querySelector('speech-review').shadowRoot, audio = root.querySelector('audio');
    window.entered = new Promise((done, failed) => {
        const seen = {};
        const both = () => seen.focused !== undefined && seen.playing !== undefined && done(seen);
        setTimeout(() => failed(new Error('after 10 s: ' + JSON.stringify(seen))), 10000);
        window.addEventListener('keydown', event => {
            const before = root.querySelector('.row.chosen').dataset.id;
            const look = () => {
                const row = root.querySelector('.row.chosen');
                if (row.dataset.id !== before && root.activeElement === root.querySelector('.typing textarea')) {
                    seen.focused = performance.now() - event.timeStamp; seen.id = row.dataset.id; both();
                } else requestAnimationFrame(look);
            };
            requestAnimationFrame(look);
            audio.addEventListener('playing', () => { seen.playing = performance.now() - event.timeStamp; both(); }, {once: true});
        }, {once: true, capture: true});
    });
}"""
"""Until the first frame in which the next segment has the focus, and until its sound plays, in ms after the key."""

PLAY = """() => { const audio = AUDIO;
    window.played = new Promise((done, failed) => {
        const seen = {};
        setTimeout(() => failed(new Error('no end after 20 s')), 20000);
        window.addEventListener('keydown', event => { seen.key = event.timeStamp; }, {once: true, capture: true});
        audio.addEventListener('playing', () => { seen.playing = performance.now(); seen.start = 1000 * audio.currentTime; }, {once: true});
        audio.addEventListener('pause', () => { seen.stop = 1000 * audio.currentTime; done(seen); }, {once: true});
    });
}""".replace("AUDIO", AUDIO)

WORKLET = """class Capture extends AudioWorkletProcessor {
    process(inputs) { if (inputs[0][0]) this.port.postMessage(inputs[0][0].slice()); return true; }
}
registerProcessor('capture', Capture);"""

LISTEN = """async ([rate, worklet]) => { const audio = AUDIO;
    const context = new AudioContext({sampleRate: rate});
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([worklet], {type: 'text/javascript'})));
    const node = new AudioWorkletNode(context, 'capture', {numberOfOutputs: 1});
    context.createMediaElementSource(audio).connect(node).connect(context.destination);
    await context.resume();
    window.blocks = [];
    node.port.onmessage = ({data}) => window.blocks.push(data);
    return context.state;
}""".replace("AUDIO", AUDIO)

CAPTURED = """() => { const whole = new Int16Array(window.blocks.length * 128);
    window.blocks.forEach((block, n) => block.forEach((x, k) => { whole[128 * n + k] = Math.max(-32768, Math.min(32767, 32767 * x)); }));
    const bytes = new Uint8Array(whole.buffer); let text = '';
    for (let n = 0; n < bytes.length; n += 32768) text += String.fromCharCode(...bytes.subarray(n, n + 32768));
    return btoa(text);
}"""


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, p95 and the largest."""
    order = sorted(values)
    return {
        "median": round(statistics.median(order), 1),
        "p95": round(order[min(len(order) - 1, int(0.95 * len(order)))], 1),
        "largest": round(order[-1], 1),
        "of": len(order),
    }


# Size.


def size(site: Site, made: sessions.Made, *, opens: int, presses: int, plays: int) -> dict[str, Any]:
    """What the page takes for one recording."""
    with chromium() as browser:
        version = browser.version
        cold = [opened(lambda: sit_down(browser, site, made.name)) for _ in range(opens)]
        desk = sit_down(browser, site, made.name)
        heap, listed, most = scrolled(desk)
        focused, sounding, skipped = entered(desk, presses)
        waits, starts, stops = played(desk, made, plays)
    return {
        "segments": len(made.segments),
        "hours": round(made.seconds / 3600, 2),
        "seconds until it may be worked on, a browser that knows nothing of it": spread(cold),
        "JS heap after a full scroll, MB": heap,
        "elements, most during a full scroll": most,
        "DOM nodes with texts, after it": listed,
        "Enter until the next has the focus, ms": spread(focused),
        "Enter until the next sounds, ms": spread(sounding),
        "segments skipped by Enter": skipped,
        "play key until `playing`, ms": spread(waits),
        "start, the element's clock, ms off": spread([abs(s) for s in starts]),
        "stop, the element's clock, ms off": spread([abs(s) for s in stops]),
        "Chromium": version,
    }


def opened(sit: Callable[[], Desk]) -> float:
    """Seconds from asking for the page until a segment is chosen and its text may be typed in."""
    begun = time.perf_counter()
    desk = sit()
    desk.text.wait_for()
    took = time.perf_counter() - begun
    desk.page.context.close()
    return took


def scrolled(desk: Desk) -> tuple[float, int, int]:
    """JS heap in MB and nodes after the whole list went by, and the most elements that were there meanwhile."""
    page, most = desk.page, 0
    height = page.locator(".scroller").evaluate("e => e.scrollHeight")
    for part in range(121):
        page.locator(".scroller").evaluate("(e, top) => { e.scrollTop = top; }", height * part / 120)
        page.wait_for_timeout(30)
        most = max(most, int(page.evaluate(NODES)))
    client = page.context.new_cdp_session(page)
    client.send("HeapProfiler.collectGarbage")
    client.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in client.send("Performance.getMetrics")["metrics"]}
    return round(metrics["JSHeapUsedSize"] / 1e6, 1), int(metrics["Nodes"]), most


def entered(desk: Desk, presses: int) -> tuple[list[float], list[float], int]:
    """Waits in ms until the next segment has the focus, and until it sounds; how many ids were left out."""
    desk.page.locator(".scroller").evaluate("e => { e.scrollTop = 0; }")
    desk.page.locator(".row[data-id] .when").first.click()
    desk.press("Escape", "Home", "Enter")
    focused, sounding, ids = [], [], [desk.chosen]
    for _ in range(presses):
        desk.page.evaluate(ENTER)
        desk.press("Enter")
        seen = desk.page.evaluate("() => window.entered")
        focused.append(seen["focused"])
        sounding.append(seen["playing"])
        ids.append(seen["id"])
    numbers = [int(id[1:]) for id in ids]
    return focused, sounding, sum(b != a + 1 for a, b in zip(numbers, numbers[1:], strict=False))


def played(desk: Desk, made: sessions.Made, plays: int) -> tuple[list[float], list[float], list[float]]:
    """Waits in ms from the key to `playing`, and where the element's clock stood then and at the pause, less the segment's own times."""
    draw = np.random.default_rng(SEED)
    spans = {s.id: s.span for s in made.segments}
    waits, starts, stops = [], [], []
    for place in draw.choice(len(made.segments), plays, replace=plays > len(made.segments)):
        share = float(place) / len(made.segments)
        desk.list()
        desk.page.locator(".scroller").evaluate("(e, share) => { e.scrollTop = share * e.scrollHeight; }", share)
        desk.page.wait_for_timeout(120)
        desk.page.locator(".scroller .row[data-id]:not(.chosen) .when").nth(1).click()
        desk.page.evaluate(PLAY)
        desk.press(" ")
        seen = desk.page.evaluate("() => window.played")
        span = spans[desk.chosen]
        waits.append(seen["playing"] - seen["key"])
        starts.append(seen["start"] - span.start_ms)
        stops.append(seen["stop"] - span.end_ms)
    return waits, starts, stops


# Sound.


def noise(seconds: float) -> Samples:
    """Seeded noise between 300 and 3,000 Hz: every stretch of it is like no other, and codecs keep it."""
    draw = np.random.default_rng(SEED)
    spectrum = np.fft.rfft(draw.standard_normal(int(seconds * RATE)))
    hertz = np.fft.rfftfreq(int(seconds * RATE), 1 / RATE)
    spectrum[(hertz < 300) | (hertz > 3000)] = 0
    sound = np.fft.irfft(spectrum)
    return np.asarray(0.25 * sound / np.std(sound), np.float32).clip(-0.95, 0.95)


def tones(count: int, seconds: float) -> tuple[Samples, list[float]]:
    """Tones of a seeded pitch after one another, each with the fade of a voice at its ends; and their pitches in Hz."""
    draw = np.random.default_rng(SEED)
    pitches = [float(f) for f in draw.uniform(110, 400, count)]
    at = np.arange(int(seconds * RATE)) / RATE
    fade = np.minimum(1, np.minimum(at, seconds - at) / 0.02)
    voices = [sum(0.3 / k * np.sin(2 * np.pi * k * f * at) for k in (1, 2, 3)) * fade for f in pitches]
    return np.concatenate(voices).astype(np.float32), pitches


@contextmanager
def heard(folder: Path, sounds: dict[str, Samples], segments: tuple[Segment, ...]) -> Iterator[Site]:
    """A site with these recordings, looked at by the app's own worker, so that those that browsers cannot seek in have a copy."""
    from speech.jobs import Queue, Worker
    from speech.ui.work import kinds

    store, served, ids = make_site(folder, [])
    tapes = folder / "tapes"
    for name, sound in sounds.items():
        given = soxr.resample(sound, RATE, 16_000) if name.endswith("wav") else sound
        more = {"wav": {"subtype": "PCM_16"}, "opus": {"format": "OGG", "subtype": "OPUS"}, "mp3": {"format": "MP3"}}[name.split(".")[1]]
        soundfile.write(tapes / name, given, 16_000 if name.endswith("wav") else RATE, **more)
    served.workspace().refresh()
    for known in served.workspace().recordings():
        ids[known.path] = known.id
        sessions.draft(store, sessions.Made(name=known.path, language="que", segments=segments, seconds=0), known.id)
        served.look(known)
    worker = Worker(Queue(store), kinds(served, "light"), workspace=served.id, beat_s=0.05)
    while worker.one():
        pass
    with serve(Site(store=store, served=served, ids=ids)) as site:
        yield site


def parts(count: int, step_ms: int, inset_ms: int) -> tuple[Segment, ...]:
    """Segments one a step, each beginning and ending inside it."""
    spans = [Span(start_ms=step_ms * n + inset_ms, end_ms=step_ms * (n + 1) - inset_ms) for n in range(count)]
    return tuple(Segment(id=f"a{n + 1}", span=span, text=f"a {n + 1}", speaker="A") for n, span in enumerate(spans))


def listened(desk: Desk) -> None:
    """Let the page's sound go through a worklet that keeps it."""
    state = desk.page.evaluate(LISTEN, [RATE, WORKLET])
    if state != "running":
        raise RuntimeError(f"the browser's sound is {state}")


def captured(desk: Desk, id: str) -> Samples:
    """What is heard of a segment when it is played by its key, without the silence round it; (samples,) at 48 kHz."""
    desk.list()
    desk.click(id, ".when")
    desk.page.wait_for_timeout(150)
    desk.page.evaluate("() => { window.blocks.length = 0; }")
    desk.page.evaluate(PLAY)
    desk.press(" ")
    desk.page.evaluate("() => window.played")
    desk.page.wait_for_timeout(250)
    given = np.frombuffer(base64.b64decode(desk.page.evaluate(CAPTURED)), np.int16)
    whole: Samples = (given / 32767).astype(np.float32)
    loud = np.flatnonzero(np.abs(whole) > 1e-3)
    return whole[loud[0] : loud[-1] + 1] if len(loud) else whole[:0]


def place_of(piece: Samples, near: int, whole: Samples, within: int = RATE // 4) -> int:
    """Where a piece of the captured sound lies in the original: the place where they are most alike, in samples."""
    low = max(0, near - within)
    window = whole[low : near + within + len(piece)]
    size = 1 << (len(window) + len(piece)).bit_length()
    alike = np.fft.irfft(np.fft.rfft(window, size) * np.conj(np.fft.rfft(piece, size)), size)[: len(window) - len(piece) + 1]
    return low + int(np.argmax(alike))


def edges(site: Site, name: str, segments: tuple[Segment, ...], whole: Samples) -> tuple[list[float], list[float]]:
    """How many ms after a segment's start the first sample that is heard lies, and how many after its end the last."""
    starts, stops = [], []
    piece = RATE // 20
    with chromium() as browser:
        desk = sit_down(browser, site, name, bypass_csp=True)  # the page's policy lets no foreign worklet in
        listened(desk)
        for segment in segments:
            sound = captured(desk, segment.id)
            first, last = (segment.span.start_ms * RATE // 1000, segment.span.end_ms * RATE // 1000)
            starts.append(1000 * (place_of(sound[:piece], first, whole) - first) / RATE)
            stops.append(1000 * (place_of(sound[-piece:], last - piece, whole) + piece - last) / RATE)
    return starts, stops


def pitch(sound: Samples, least: float = 80, most: float = 1500) -> float:
    """The pitch of a tone in Hz: the highest peak of its spectrum, between bins."""
    padded = 1 << 18
    level = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), padded))
    low, high = int(least * padded / RATE), int(most * padded / RATE)
    top = low + int(np.argmax(level[low:high]))
    before, here, after = np.log(level[top - 1 : top + 2] + 1e-12)
    return float((top + 0.5 * (before - after) / (before - 2 * here + after)) * RATE / padded)


def speeds(site: Site, name: str, segments: tuple[Segment, ...], pitches: Sequence[float], at: Sequence[float]) -> dict[str, Any]:
    """By speed: how far the pitch is off in per cent, at most, and how long a segment lasted against what it should."""
    found: dict[str, Any] = {}
    with chromium() as browser:
        desk = sit_down(browser, site, name, bypass_csp=True)  # the page's policy lets no foreign worklet in
        listened(desk)
        desk.list()
        now = 1.0
        for speed in at:
            while abs(now - speed) > 0.05:
                desk.list()
                desk.press("+" if speed > now else "-")
                now += 0.1 if speed > now else -0.1
            off, lasted = [], []
            for segment, hertz in zip(segments, pitches, strict=True):
                sound = captured(desk, segment.id)
                off.append(100 * abs(pitch(sound) / hertz - 1))
                lasted.append(len(sound) / RATE / (segment.span.length_ms / 1000 / speed))
            found[f"{speed:g}"] = {
                "pitch off, %, at most": round(max(off), 2),
                "lasted, of what it should": round(statistics.mean(lasted), 3),
            }
    return found


def sound(folder: Path, *, plays: int, at: Sequence[float]) -> dict[str, Any]:
    """Captured: edges of segments by kind of file, pitch by speed."""
    step_s, inset_ms = 2.0, 300
    whole = noise(step_s * plays)
    segments = parts(plays, round(1000 * step_s), inset_ms)
    found: dict[str, Any] = {}
    with heard(folder / "edges", {f"edges.{kind}": whole for kind in ("wav", "opus", "mp3")}, segments) as site:
        for kind in ("wav", "opus", "mp3"):
            starts, stops = edges(site, f"edges.{kind}", segments, whole)
            known = site.served.find(site.ids[f"edges.{kind}"])
            played = site.served.playable(known) if known else None
            found[kind] = {
                "played": "a FLAC copy" if played and played[1] == "audio/flac" else "the file as it is",
                "start, ms off": signed(starts),
                "stop, ms off": signed(stops),
            }
    tone, pitches = tones(4, step_s)
    segments = parts(4, round(1000 * step_s), inset_ms)
    with heard(folder / "tones", {"tones.wav": tone}, segments) as site:
        found["speed"] = speeds(site, "tones.wav", segments, pitches, at)
    return found


def signed(values: Sequence[float]) -> dict[str, float]:
    """Least, median and most, with their signs."""
    return {"least": round(min(values), 1), "median": round(statistics.median(values), 1), "most": round(max(values), 1), "of": len(values)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="a small recording and a few plays; nothing is written")
    smoke = parser.parse_args().smoke
    if not CHROMIUM.exists():
        sys.exit("there is no Chromium (apt-get install chromium)")
    with tempfile.TemporaryDirectory() as name:
        folder, begun = Path(name), os.getloadavg()[0]
        made = sessions.small() if smoke else sessions.long()
        store, served, ids = make_site(folder / "size", [made])
        with serve(Site(store=store, served=served, ids=ids)) as site:
            found = size(site, made, opens=1 if smoke else 5, presses=3 if smoke else 200, plays=2 if smoke else 60)
        found["captured"] = sound(folder, plays=2 if smoke else 12, at=(1.0, 1.5) if smoke else SPEEDS)
    found["load"] = [round(begun, 1), round(os.getloadavg()[0], 1)]
    if smoke:
        for key, value in found.items():
            print(f"{key}: {value}")
    else:
        keep("app_size", found)
        app_page.write()


if __name__ == "__main__":
    main()
