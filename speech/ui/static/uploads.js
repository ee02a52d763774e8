// Sending recordings, and transcripts of them, in pieces of 4 MiB: held, taken up again where they stopped, checked by their hash at the end.
import { ask, el, t, why } from "./api.js";
import { Sha256 } from "./sha256.js";

const PIECE = 4 << 20;

/**
 * A place to drop recordings on, or to choose them, with the list of those on their way; `whole` is called for each that has arrived.
 * What ends as one of `transcripts` is sent as a transcript. `together` gets what arrived of one drop: `[{file, kind, row}]`.
 */
export function dropZone(id, text, whole, { transcripts = [], together = () => {} } = {}) {
  const box = el("div", {});
  const input = el("input", {
    type: "file",
    id,
    class: "hidden",
    multiple: true,
    accept: ["audio/*,video/*,.wav,.flac,.opus,.ogg,.mp3,.m4a,.wma,.aiff,.amr", ...transcripts].join(","),
    onchange: () => {
      sendAll([...input.files]);
      input.value = "";
    },
  });
  const zone = el("label", { class: "drop", for: id, text });
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", name === "dragenter" || name === "dragover");
      if (name === "drop") sendAll([...event.dataTransfer.files]);
    });
  }
  box.append(input, zone);
  const send = uploads(box);
  const kindOf = (file) => (transcripts.some((end) => file.name.toLowerCase().endsWith(end)) ? "transcript" : "recording");

  /** One after the other, transcripts first: what is wrong with one is said at once. */
  async function sendAll(files) {
    const all = files.map((file) => ({ file, kind: kindOf(file) }));
    const arrived = [];
    for (const one of ["transcript", "recording"].flatMap((kind) => all.filter((some) => some.kind === kind))) {
      const row = await send(one.file, one.kind);
      if (!row) continue;
      arrived.push({ ...one, row });
      whole(row);
    }
    if (arrived.length) together(arrived);
  }

  return box;
}

/** The list of files on their way; gives what sends one: what the server made of it, null where it did not arrive. */
function uploads(root) {
  const list = el("ul", { class: "uploads" });
  const waiting = el("div", { class: "quiet" });
  root.append(list, waiting);
  look();

  async function look() {
    const answer = await ask("/upload");
    if (!answer.ok) return;
    waiting.replaceChildren(...answer.data.map((one) => el("p", { text: t("transcribe.unfinished", { name: one.name }) })));
  }

  async function send(file, kind) {
    const state = { held: false, ended: false, go: null };
    const bar = el("progress", { max: 100, value: 0, "aria-label": file.name });
    const said = el("span", { class: "quiet", role: "status" });
    const hold = el("button", {
      class: "plain",
      text: t("transcribe.pause"),
      onclick: () => {
        state.held = !state.held;
        hold.textContent = t(state.held ? "transcribe.resume" : "transcribe.pause");
        if (!state.held) state.go?.();
      },
    });
    const leave = el("button", { class: "plain", text: t("transcribe.give_up"), onclick: () => end(true) });
    const row = el("li", {}, el("span", { text: file.name }), bar, said, hold, leave);
    list.append(row);
    let id = "";

    async function end(dropped) {
      state.ended = true;
      state.go?.();
      if (dropped && id) await ask(`/upload/${id}`, { method: "DELETE" });
      if (dropped) row.remove();
    }

    const coming = await ask("/upload");
    const begun = coming.ok && coming.data.find((one) => one.size === file.size && one.name === file.name);
    const begin = begun ? { ok: true, data: begun } : await ask("/upload", { method: "POST", body: { name: file.name, size: file.size, kind } });
    if (!begin.ok) return refuse(begin);
    id = begin.data.id;
    const hash = new Sha256();
    let at = 0;
    let here = begin.data.at;
    while (at < file.size && !state.ended) {
      if (state.held) {
        await new Promise((go) => (state.go = go));
        continue;
      }
      const piece = new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
      if (at + piece.length > here) {
        const answer = await ask(`/upload/${id}?at=${at}`, { method: "PUT", bytes: piece });
        if (answer.status === 0 || answer.status >= 500) {
          said.textContent = t("app.lost");
          await new Promise((go) => setTimeout(go, 2000));
          continue;
        }
        if (answer.status === 409 && answer.data.at > at) here = answer.data.at;
        else if (!answer.ok) return refuse(answer);
      }
      hash.update(piece);
      at += piece.length;
      bar.value = (100 * at) / file.size;
      said.textContent = t("transcribe.sending", { percent: Math.floor(bar.value) });
    }
    if (state.ended) return null;
    said.textContent = t("transcribe.hashing");
    let done = await ask(`/upload/${id}/end`, { method: "POST", body: { sha256: hash.hex() } });
    while (done.status === 0) {
      await new Promise((go) => setTimeout(go, 2000));
      done = await ask(`/upload/${id}/end`, { method: "POST", body: { sha256: hash.hex() } });
    }
    if (!done.ok) return refuse(done);
    said.textContent = t("transcribe.sent");
    hold.remove();
    leave.remove();
    look();
    return done.data;

    function refuse(answer) {
      said.textContent = why(answer);
      said.className = "error";
      hold.remove();
      leave.remove();
      return null;
    }
  }

  return send;
}
