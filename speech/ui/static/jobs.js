// The work that goes on: how far it is, how long it will take, and what came of it, millisecond by millisecond.
import { ask, clock, el, repeat, sentences, t, why } from "./api.js";
import { isOpen, line, told } from "./job-lines.js";
import { placed } from "./texts.js";

/** Fill `root`; returns what looks at once. `ended` is called when a job has come to its end. */
export function jobs(root, app, ended) {
  if (!app.me.may.includes("jobs")) {
    root.hidden = true;
    return () => {};
  }
  const list = el("ul", { class: "jobs" });
  const said = el("p", { class: "error", role: "alert" });
  const sound = new Audio();
  let stop = 0;
  root.append(el("h3", { text: t("jobs.heading") }), said, list);
  const rows = new Map();
  const names = new Map();

  async function look() {
    const answer = await ask("/api/jobs");
    if (!answer.ok) return;
    const shown = answer.data.filter((job) => job.kind !== "say").slice(-30).reverse(); // those stand on Speak
    if (shown.some((job) => !names.has(job.recording))) {
      const known = await ask("/api/recordings");
      if (known.ok) for (const one of known.data) names.set(one.id, one.name);
    }
    for (const job of shown) {
      const old = rows.get(job.id);
      const now = JSON.stringify(job);
      if (old?.said === now) continue;
      if (old && isOpen(old.job) && !isOpen(job)) ended();
      const made = row(job);
      if (old) {
        // Only what changed is put in: focus stays on its button.
        if (old.shape === shape(job)) update(old.node, job);
        else old.node.replaceWith(made);
      }
      rows.set(job.id, { said: now, job, node: old && old.shape === shape(job) ? old.node : made, shape: shape(job) });
    }
    for (const id of [...rows.keys()]) if (!shown.some((job) => job.id === id)) rows.delete(id);
    const nodes = shown.map((job) => rows.get(job.id).node);
    if (!nodes.length) list.replaceChildren(el("li", { class: "quiet", text: t("jobs.empty") }));
    else if (nodes.some((node, n) => list.children[n] !== node) || list.children.length !== nodes.length) list.replaceChildren(...nodes);
  }

  const shape = (job) => `${job.state} ${job.wanted} ${job.title ?? ""}`;

  function update(node, job) {
    node.querySelector(".state").textContent = line(job);
    const bar = node.querySelector("progress");
    if (bar && job.total) bar.value = job.done / job.total;
  }

  function row(job) {
    const button = (name) => el("button", { class: "plain", text: t(`jobs.${name}`), onclick: () => want(job, name) });
    return el(
      "li",
      { class: `job ${job.state}` },
      el("strong", { text: names.get(job.recording) ?? "" }),
      job.kind === "identify" && el("p", { class: "quiet", text: t("listening.work") }),
      job.kind === "align" && el("p", { class: "quiet", text: t("align.work", { text: job.title || t("align.gone") }) }),
      el("p", { class: "state", text: line(job) }),
      job.state === "running" && el("progress", { max: 1, value: job.total ? job.done / job.total : 0, "aria-label": names.get(job.recording) ?? "" }),
      el(
        "div",
        { class: "row" },
        (job.state === "running" || job.state === "queued") && job.wanted === "run" && button("pause"),
        job.state === "paused" && button("resume"),
        isOpen(job) && button("cancel"),
        job.state === "done" && ["transcribe", "align"].includes(job.kind) && el("button", { text: t("jobs.open"), onclick: () => app.go("review", job.recording) }),
        job.state === "done" && job.kind === "align" && job.title && el("button", { class: "plain", text: t("align.away"), "aria-label": `${t("align.away")}: ${job.title}`, onclick: () => away(job) }),
      ),
      job.refusal && el("p", { class: "error", text: sentences(job.refusal) }),
      job.state === "done" && job.kind === "identify" && el("p", { text: told(job.result) }),
      job.state === "done" && job.kind === "align" && placed(job.result),
      job.state === "done" && job.result.coverage && coverage(job),
    );
  }

  /** Delete the transcript that was sent; what was made of it stays. */
  async function away(job) {
    const answer = await ask(`/api/texts/${job.settings.text}`, { method: "DELETE" });
    said.textContent = answer.ok ? "" : why(answer);
    await look();
    if (answer.ok) rows.get(job.id)?.node.querySelector("button")?.focus();
  }

  function coverage(job) {
    const c = job.result.coverage;
    const times = { all: c.duration_ms, speech: c.speech_ms, transcribed: c.transcribed_ms, skipped: c.skipped_ms, silence: c.silence_ms, missing: c.missing_ms };
    const fill = Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, clock(ms)]));
    return el(
      "div",
      {},
      el("p", { class: "coverage", text: t(job.kind === "align" ? "align.coverage" : "transcribe.coverage", fill) }),
      c.skipped.length > 0 &&
        el(
          "details",
          {},
          el("summary", { text: `${t(job.kind === "align" ? "align.unwritten" : "transcribe.skipped")} (${c.skipped.length})` }),
          c.skipped.slice(0, 200).map((one) =>
            el("button", {
              class: "plain",
              text: t(job.kind === "align" ? "align.play" : "transcribe.play_skipped", { from: clock(one.start_ms), to: clock(one.end_ms), reason: one.reason }),
              onclick: () => play(job.recording, one),
            }),
          ),
        ),
    );
  }

  function play(recording, span) {
    clearTimeout(stop);
    if (!sound.src.endsWith(recording)) sound.src = `/media/${recording}`;
    sound.onerror = () => (said.textContent = t("transcribe.audio_lost"));
    sound.currentTime = span.start_ms / 1000;
    sound.onplaying = () => {
      stop = setTimeout(() => sound.pause(), span.end_ms - 1000 * sound.currentTime);
    };
    sound.play().catch(() => {});
  }

  async function want(job, wanted) {
    const answer = await ask(`/api/jobs/${job.id}/${wanted}`, { method: "POST" });
    said.textContent = answer.ok ? "" : why(answer);
    look();
  }

  return repeat(look, 1500);
}
