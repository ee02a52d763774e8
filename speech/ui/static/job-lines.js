// What is said of a job in a line, wherever one stands: how far it is, what came of listening; and handing one in.
import { ask, clock, t, why } from "./api.js";

export const isOpen = (job) => ["queued", "running", "paused"].includes(job.state);

/** How a job stands: state, place, step, time left. */
export function line(job) {
  const parts = [t(`jobs.state.${job.state}`)];
  if (job.state === "queued" && job.place) parts.push(t("jobs.place", { place: job.place }));
  if (job.state === "running") parts.push(t(`jobs.step.${job.step}`));
  if (job.state === "running" && job.left_s !== null) parts.push(t("jobs.left", { time: clock(1000 * job.left_s) }));
  return parts.join(" · ");
}

export const percent = (p) => (p > 0 && p < 0.01 ? "< 1 %" : `${Math.round(100 * p)} %`);

/** What came of listening for the language, in a line; `named` gives a language's name by its code. */
export function told(result, named = (code) => code) {
  const seconds = (result.speech_ms / 1000).toFixed(1);
  if (result.probability === null) return t("listening.too_little", { seconds });
  return t("listening.told", { language: result.language ? named(result.language) : t("listening.none"), percent: percent(result.probability), seconds });
}

/** Hand a job in; whether it was taken. `said` tells why not. */
export async function handIn(job, said) {
  const answer = await ask("/api/jobs", { method: "POST", body: job });
  said.textContent = answer.ok ? "" : why(answer);
  return answer.ok;
}
