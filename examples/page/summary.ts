/// <reference lib="dom" />
/** All uploads in one line, and one button for all of them. */

import { bytes, percent, speed } from "./format.ts";
import type { Phase, Transfer } from "./transfer.ts";

const AT_WORK: readonly Phase[] = ["waiting", "starting", "checking", "uploading"];

/** As much of an upload as the line tells. */
export interface Summed {
  readonly phase: Phase;
  readonly stored: number;
  readonly speed: number | undefined;
  readonly problem?: { readonly remedy: string } | undefined;
  readonly record: { readonly size: number };
}

/** The line: how many files, how much of all their bytes is stored, and how fast all of them are together. */
export function summaryOf(uploads: readonly Summed[]): string {
  const all = uploads.filter(({ problem }) => problem?.remedy !== "none"); // what is refused is not on its way
  if (all.length === 0) return "";
  const done = all.filter(({ phase }) => phase === "done").length;
  const files = all.length === 1 ? "1 file" : `${all.length} files`;
  if (done === all.length) return `${files}, ${done} stored`;
  const size = all.reduce((sum, { record }) => sum + record.size, 0);
  const stored = all.reduce((sum, upload) => sum + upload.stored, 0);
  const perSecond = all.reduce((sum, upload) => sum + (upload.speed ?? 0), 0);
  const rate = perSecond > 0 ? `, ${speed(perSecond)}` : "";
  return `${files}, ${done} stored, ${percent(stored, size)}% of ${bytes(size)}${rate}`;
}

/** Makes line and button work; returns what brings them up to date. */
export function setUpSummary(
  line: HTMLElement,
  button: HTMLButtonElement,
  fallback: HTMLElement,
  uploads: () => readonly Transfer[],
): () => void {
  const atWork = () => uploads().filter(({ phase }) => AT_WORK.includes(phase));
  const paused = () => uploads().filter(({ phase }) => phase === "paused");
  button.addEventListener("click", () => {
    const working = atWork();
    if (working.length > 0) { for (const upload of working) void upload.pause(); }
    else for (const upload of paused()) void upload.resume();
  });
  return () => {
    const text = summaryOf(uploads());
    if (line.textContent !== text) line.textContent = text;
    const working = atWork().length;
    const label = working > 0 ? "Pause all" : "Resume all";
    if (button.textContent !== label) button.textContent = label;
    const hadFocus = document.activeElement === button;
    button.hidden = working + paused().length < 2;
    if (hadFocus && button.hidden) fallback.focus();
  };
}
