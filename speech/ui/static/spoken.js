// What was spoken, and what is being: how far it is, a player that says that no person speaks, the file to take away.
import { ask, clock, el, t, why } from "./api.js";
import { isOpen, line } from "./job-lines.js";
import { told } from "./voices.js";

const SHOWN = 30;

/** Fill `list` with the person's texts; returns what looks at once. `open` names a language by its code. */
export function said(list, { open }) {
  const rows = new Map();
  const shape = (job) => `${job.state} ${job.wanted}`;

  async function look() {
    const answer = await ask("/api/jobs");
    if (!answer.ok) return;
    const shown = answer.data.filter((job) => job.kind === "say").slice(-SHOWN).reverse();
    for (const job of shown) {
      const old = rows.get(job.id);
      // Only what changed is put in: focus stays on its button, and a player plays on.
      if (old?.shape === shape(job)) update(old.node, job);
      else {
        const node = row(job);
        old?.node.replaceWith(node);
        rows.set(job.id, { node, shape: shape(job) });
      }
    }
    for (const id of [...rows.keys()]) if (!shown.some((job) => job.id === id)) rows.delete(id);
    const nodes = shown.map((job) => rows.get(job.id).node);
    if (!nodes.length) list.replaceChildren(el("li", { class: "quiet", text: t("speak.nothing_spoken") }));
    else {
      // A player that is moved falls silent: what is there stays where it is.
      for (const old of [...list.children]) if (!nodes.includes(old)) old.remove();
      nodes.forEach((node, n) => list.children[n] !== node && list.insertBefore(node, list.children[n] ?? null));
    }
  }

  function state(job) {
    if (job.state !== "running" || !job.total) return line(job);
    return `${line(job)} · ${t("speak.sentence_of", { done: job.done, count: job.total })}`;
  }

  function update(node, job) {
    const now = node.querySelector(".state");
    const text = state(job);
    if (now.textContent !== text) now.textContent = text;
    const bar = node.querySelector("progress");
    if (bar && job.total) bar.value = job.done / job.total;
  }

  function row(job) {
    const wrong = el("p", { class: "error", role: "alert" });
    const want = (path, method) => async () => {
      const answer = await ask(path, { method });
      wrong.textContent = answer.ok ? "" : why(answer);
      look();
    };
    return el(
      "li",
      { class: `job ${job.state}` },
      el("strong", {}, el("bdi", { text: job.title })),
      el("p", { class: "state", text: state(job) }),
      job.state === "running" && el("progress", { max: 1, value: job.total ? job.done / job.total : 0, "aria-label": job.title }),
      job.refusal && el("p", { class: "error", text: [job.refusal.what, job.refusal.mend].filter(Boolean).join(". ") }),
      job.state === "done" && player(job),
      el(
        "div",
        { class: "row" },
        isOpen(job) && job.wanted !== "cancel" && el("button", { class: "plain", text: t("jobs.cancel"), onclick: want(`/api/jobs/${job.id}/cancel`, "POST") }),
        job.state === "done" && el("a", { class: "button", href: `/download/speech/${job.id}`, download: "", text: t("speak.save", { kind: job.settings.suffix.slice(1).toUpperCase() }) }),
        !isOpen(job) && el("button", { class: "plain", text: t("speak.delete"), onclick: want(`/api/speak/${job.id}`, "DELETE") }),
      ),
      wrong,
    );
  }

  /** The sound, under a sign that stands there before, while and after it plays. */
  function player(job) {
    const { voice, duration_ms, seed } = { ...job.result, seed: job.settings.seed };
    const lost = el("p", { class: "error", role: "alert" });
    const playing = el("p", { class: "playing", role: "status" });
    const audio = el("audio", { controls: true, preload: "none", src: `/media/${job.id}`, "aria-label": t("speak.audio", { title: job.title }) });
    audio.addEventListener("playing", () => (playing.textContent = t("speak.playing", { voice: voice.name })));
    for (const name of ["pause", "ended"]) audio.addEventListener(name, () => (playing.textContent = ""));
    audio.addEventListener("error", () => (lost.textContent = t("transcribe.audio_lost")));
    const facts = [open(job.settings.borrow || job.settings.language), clock(duration_ms), `${job.settings.speed.toLocaleString()}×`, t("speak.with_seed", { seed })];
    const dropped = job.result.unsaid.filter((one) => !one.nearest).map((one) => one.letter);
    const near = job.result.unsaid.filter((one) => one.nearest).map((one) => `${one.letter} → ${one.nearest}`);
    return el(
      "div",
      { class: "synthetic" },
      el("p", { class: "mark", text: t("speak.synthetic") }),
      audio,
      playing,
      lost,
      el("p", { class: "quiet", text: [told(voice), facts.join(" · ")].join(" ") }),
      near.length > 0 && el("p", { class: "warn", text: t("speak.was_near", { letters: near.join(", ") }) }),
      dropped.length > 0 && el("p", { class: "warn", text: t("speak.was_left_out", { letters: dropped.join(" ") }) }),
    );
  }

  return look;
}
