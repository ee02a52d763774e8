// Learn: what is approved of a language, what it would buy, what to look at next, learning itself, and which model is in use.
import { ask, clock, el, repeat, t, why } from "./api.js";

const SVG = "http://www.w3.org/2000/svg";
const WORST = 5;
const REASONS = new Set(["unsure", "rare_letters", "rare_speaker", "random"]);

export async function show(root, app) {
  const picker = el("select", { id: "learn-language", onchange: () => look() });
  const bar = el("div", { class: "row", hidden: true }, el("label", { for: picker.id, text: t("learn.language") }), picker);
  const empty = el("div", { class: "nothing", hidden: true }, el("p", { text: t("learn.empty") }), el("button", { text: t("tabs.review"), onclick: () => app.go("review") }));
  const said = el("p", { role: "status" });
  const parts = el("div", { class: "learn" });
  root.append(el("h2", { text: t("learn.heading") }), empty, bar, said, parts);
  let known = "";
  let shown = "";

  async function languages() {
    const answer = await ask("/api/learn");
    if (!answer.ok) return;
    empty.hidden = answer.data.some((one) => one.approved_ms > 0);
    bar.hidden = answer.data.length === 0;
    parts.hidden = answer.data.length === 0;
    const now = JSON.stringify(answer.data.map((one) => one.language));
    if (now === known) return;
    known = now;
    const chosen = picker.value;
    picker.replaceChildren(...answer.data.map((one) => el("option", { value: one.language, text: one.name })));
    if (answer.data.some((one) => one.language === chosen)) picker.value = chosen;
  }

  async function look() {
    await languages();
    if (!picker.value) return;
    const answer = await ask(`/api/learn/${picker.value}`);
    if (!answer.ok) return;
    const now = JSON.stringify(answer.data);
    if (now === shown) return;
    shown = now;
    const place = focusOf(parts);
    parts.replaceChildren(...sections(answer.data));
    place();
  }

  function sections(found) {
    return [approved(found), learning(found), learnt(found), curve(found), next(found)].map((made) => el("section", {}, ...made));
  }

  function approved(found) {
    const rows = found.approved.map((one) => row(one.speaker || t("learn.somebody"), one.ms));
    rows.push(row(t("collection.all"), found.approved_ms, "sum"));
    const heads = [t("learn.speaker"), t("learn.minutes")].map((text, n) => el("th", { scope: "col", class: n ? "number" : undefined, text }));
    return [
      el("h3", { text: t("learn.approved") }),
      el("table", {}, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows)),
      found.lacking_ms > 0 && el("p", { class: "quiet", text: t("learn.lacking", { minutes: minutes(found.lacking_ms), aim: whole(found.approved_ms + found.lacking_ms) }) }),
      found.lesson.unapproved > 0 && el("p", { class: "quiet", text: t("learn.unapproved", { count: found.lesson.unapproved }) }),
      ...found.lesson.refused.map((one) => el("p", { class: "warn", text: t(`learn.refused.${refusal(one.code)}`, { count: one.recordings }) })),
      found.lesson.refused.length > 0 && app.me.may.includes("consent") && el("button", { class: "plain", id: "learn-consent", text: t("consent.form.go"), onclick: () => app.go("collection", "consent") }),
    ];
  }

  function learning(found) {
    const { lesson, cost, job } = found;
    const room = cost.free >= cost.disk;
    const open = job && ["queued", "running", "paused"].includes(job.state);
    const made = [el("h3", { text: t("learn.teach") })];
    if (!lesson.ready) made.push(el("p", { text: t("learn.not_ready") }));
    else {
      made.push(el("p", { text: t("learn.lesson", { train: minutes(lesson.train_ms), dev: minutes(lesson.dev_ms), how: t(`learn.split.${lesson.split_by.how}`, lesson.split_by) }) }));
      const figures = { steps: cost.steps, time: clock(1000 * (cost.seconds ?? 0)), memory: (cost.memory / 2 ** 30).toFixed(1), size: megabytes(cost.disk) };
      made.push(el("p", { class: "quiet", id: "learn-cost", text: cost.seconds ? t("learn.cost", figures) : t("learn.cost_unknown", figures) }));
      if (!room) made.push(el("p", { class: "error", text: t("learn.no_room", { size: figures.size, free: megabytes(cost.free) }) }));
    }
    if (open && job.mine === false) made.push(el("p", { text: t("learn.others") }));
    else if (open) made.push(...progress(job));
    else made.push(el("button", { class: "primary", text: t("learn.go"), disabled: !lesson.ready || !room, id: "learn-go", onclick: () => begin(found.language) }));
    if (job?.state === "failed") made.push(el("p", { class: "error", text: t("learn.failed", { what: job.refusal?.what ?? "", mend: job.refusal?.mend ?? "" }) }));
    return made;
  }

  function progress(job) {
    const at = job.total ? job.done / job.total : 0;
    const left = job.left_s === null ? "" : t("jobs.left", { time: clock(1000 * job.left_s) });
    const act = (wanted) => async () => {
      const answer = await ask(`/api/jobs/${job.id}/${wanted}`, { method: "POST", body: {} });
      said.textContent = answer.ok ? "" : why(answer);
      await look();
    };
    return [
      el("progress", { max: "1", value: String(at), "aria-label": t("learn.teach") }),
      el("p", { text: [t(`jobs.state.${job.state}`), `${Math.round(100 * at)} %`, left].filter(Boolean).join(", ") }),
      el("div", { class: "row" },
        job.state === "paused"
          ? el("button", { id: "learn-resume", text: t("jobs.resume"), onclick: act("resume") })
          : el("button", { id: "learn-pause", text: t("jobs.pause"), onclick: act("pause") }),
        el("button", { id: "learn-cancel", text: t("jobs.cancel"), onclick: act("cancel") })),
    ];
  }

  async function begin(language) {
    const answer = await ask("/api/jobs", { method: "POST", body: { kind: "adapt", settings: { language } } });
    said.textContent = answer.ok ? "" : why(answer);
    await look();
  }

  function learnt(found) {
    const made = [el("h3", { text: t("learn.learnt") })];
    if (!found.runs.length) return [...made, el("p", { class: "quiet", text: t("learn.none") })];
    const heads = [t("learn.minutes"), t("learn.before"), t("learn.after"), t("learn.words"), t("learn.judges"), t("learn.use")];
    const rows = [...found.runs].reverse().map((run) => {
      const used = run.adapter === found.in_use;
      const use = used
        ? el("strong", { text: `✓ ${t("learn.in_use")}` })
        : el("button", { id: `learn-use-${run.adapter}`, text: t("learn.use_this"), onclick: () => choose(found.language, { adapter: run.adapter }) });
      const cells = [run.minutes.toFixed(1), run.old ? rate(run.old.cer) : t("learn.no_model"), rate(run.new.cer), rate(run.new.wer), String(run.dev_clips)];
      return el("tr", { class: used ? "chosen" : undefined }, cells.map((text, n) => el("td", { class: "number", "data-label": heads[n], text })), el("td", { "data-label": heads[5] }, use));
    });
    made.push(
      el("p", { class: "quiet", text: t("learn.rates") }),
      el("div", { class: "wide" }, el("table", {}, el("thead", {}, el("tr", {}, heads.map((text, n) => el("th", { scope: "col", class: n < 5 ? "number" : undefined, text })))), el("tbody", {}, rows))),
      el("p", { text: found.in_use ? t("learn.used_learnt") : t("learn.used_came") }),
      found.can_go_back && el("button", { id: "learn-back", text: t("learn.back"), onclick: () => choose(found.language, { back: true }) }),
    );
    const worst = found.runs.at(-1).worst.filter((one) => one.errors > 0).slice(0, WORST);
    if (worst.length) {
      made.push(el("h4", { text: t("learn.worst") }), el("ul", {}, worst.map((one) => {
        const [recording, segment] = one.segment.split("/");
        return el("li", {}, link(recording, segment, t("learn.wrong", { errors: one.errors, letters: one.letters })));
      })));
    }
    return made;
  }

  async function choose(language, body) {
    const answer = await ask(`/api/learn/${language}/choose`, { method: "POST", body });
    said.textContent = answer.ok ? t("learn.chosen") : why(answer);
    await look();
  }

  function next(found) {
    const made = [el("h3", { text: t("learn.next") })];
    if (!found.next.length) return [...made, el("p", { class: "quiet", text: t("learn.next_none") })];
    return [...made, el("p", { class: "quiet", text: t("learn.next_why") }), el("ol", {}, found.next.slice(0, 10).map((one) =>
      el("li", {}, link(one.recording, one.segment, `${one.name}: ${t(`learn.reason.${REASONS.has(one.reason) ? one.reason : "random"}`, { detail: one.detail })}`))))];
  }

  function link(recording, segment, text) {
    return el("button", {
      class: "link",
      text,
      onclick: async () => {
        await ask(`/api/recordings/${recording}/place`, { method: "POST", body: { segment } });
        app.go("review", recording);
      },
    });
  }

  await look();
  repeat(look, 3000);
  return { open: look };
}

/** Dev CER by minutes, as measured; the forecast dashed and named; a table of the same for who does not see it. */
function curve(found) {
  const run = found.runs.at(-1);
  const made = [el("h3", { text: t("learn.curve") })];
  if (!run || run.curve.length < 3) return [...made, el("p", { class: "quiet", text: t("learn.curve_none") })];
  const points = run.curve;
  const ahead = run.forecast;
  const every = [...points, ...(ahead ? [ahead] : [])];
  const most = Math.ceil(Math.max(...every.map((p) => p.high ?? p.cer)) * 10) / 10;
  const [first, last] = [Math.log(every[0].minutes / 1.2), Math.log(every.at(-1).minutes * 1.2)];
  const x = (m) => 50 + (510 * (Math.log(m) - first)) / (last - first);
  const y = (cer) => 210 - (190 * Math.min(cer, most)) / most;
  const svg = svgOf("svg", { viewBox: "0 0 600 250", role: "img", "aria-label": t("learn.curve"), class: "curve" });
  svg.append(svgOf("path", { d: "M50 20V210H560", class: "axis" }));
  for (let tenth = 0; tenth <= Math.round(most * 10); tenth += 1) svg.append(words(44, y(tenth / 10) + 4, `${tenth * 10}`, "end"));
  svg.append(svgOf("polyline", { points: points.map((p) => `${x(p.minutes)},${y(p.cer)}`).join(" "), class: "line" }));
  for (const p of points) {
    if (p.low !== null) svg.append(svgOf("path", { d: `M${x(p.minutes)} ${y(p.low)}V${y(p.high)}`, class: "bar" }));
    svg.append(svgOf("circle", { cx: x(p.minutes), cy: y(p.cer), r: 4, class: "point" }), words(x(p.minutes), 228, whole(60000 * p.minutes), "middle"));
  }
  if (ahead) {
    const end = points.at(-1);
    svg.append(svgOf("path", { d: `M${x(end.minutes)} ${y(end.cer)}L${x(ahead.minutes)} ${y(ahead.cer)}`, class: "line ahead" }));
    svg.append(svgOf("path", { d: `M${x(ahead.minutes)} ${y(ahead.low)}V${y(ahead.high)}`, class: "bar ahead" }));
    svg.append(words(x(ahead.minutes), 228, whole(60000 * ahead.minutes), "middle"), words(x(ahead.minutes), y(ahead.high) - 6, t("learn.forecast"), "end"));
  }
  const rows = points.map((p) => el("tr", {}, el("td", { class: "number", "data-label": t("learn.minutes"), text: p.minutes.toFixed(1) }), el("td", { class: "number", "data-label": t("learn.cer"), text: rate({ value: p.cer, low: p.low, high: p.high }) })));
  if (ahead) rows.push(el("tr", {}, el("td", { class: "number", text: ahead.minutes.toFixed(1) }), el("td", { class: "number", text: `${t("learn.forecast")}: ${rate({ value: ahead.cer, low: ahead.low, high: ahead.high })}` })));
  const heads = [t("learn.minutes"), t("learn.cer")].map((text) => el("th", { scope: "col", class: "number", text }));
  return [...made, el("p", { class: "quiet", text: t("learn.curve_how") }), svg, el("table", {}, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows))];
}

function svgOf(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function words(x, y, text, anchor) {
  const made = svgOf("text", { x, y, "text-anchor": anchor });
  made.textContent = text;
  return made;
}

function row(name, ms, kind) {
  return el("tr", { class: kind }, el("th", { scope: "row", text: name }), el("td", { class: "number", "data-label": t("learn.minutes"), text: minutes(ms) }));
}

function minutes(ms) {
  return (ms / 60000).toFixed(1);
}

/** Minutes without a fraction that says nothing. */
function whole(ms) {
  return String(Number((ms / 60000).toFixed(1)));
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(0);
}

function rate({ value, low, high }) {
  const interval = low === null || low === undefined ? "" : ` (${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)})`;
  return value === null ? "–" : `${(100 * value).toFixed(1)} %${interval}`;
}

function refusal(code) {
  const known = { NO_CARD: "no_card", WITHDRAWN: "withdrawn", PERSON_MISSING: "person", SPEAKER_UNKNOWN: "person" };
  return known[code] ?? "other";
}

/** Keeps the focus where it was when a part is drawn anew. */
function focusOf(root) {
  const id = root.contains(document.activeElement) ? document.activeElement.id : "";
  return () => id && root.querySelector(`#${CSS.escape(id)}`)?.focus();
}
