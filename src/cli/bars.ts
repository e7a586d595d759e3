/** Bars as text: one for each file in flight, and one for the whole. */

import type { RunProgress, Totals } from "./report.ts";
import { bytesText, fitted, printable, timeText } from "./shown_text.ts";

/** What the bars are drawn for. */
export interface BarSpace {
  /** In bytes a second. */
  readonly rate: number | undefined;
  readonly columns: number;
  readonly rows: number;
  readonly color: boolean;
}

/** The columns of what stands behind a bar. */
const NUMBERS = 24;

/** The lines, none of them wider than the terminal; files that do not fit its height are one line together. */
export function barLines(
  { files, bytes, inFlight }: RunProgress,
  totals: Totals,
  { rate, columns, rows, color }: BarSpace,
): string[] {
  const width = Math.max(10, columns - 1); // a full line would move the cursor to the next one in some terminals
  const room = Math.max(1, rows - 3);
  const shown = inFlight.slice(0, inFlight.length > room ? room - 1 : room);
  const lines = shown.map(({ name, sent, total }) => fileLine(name, sent, total, width, color));
  const more = inFlight.length - shown.length;
  if (more > 0) lines.push(fitted(`and ${more} more`, width).trimEnd());
  const done = files.uploaded + files.skipped + files.failed;
  const isOne = totals.isWhole && totals.files <= 1;
  if (isOne && inFlight.length === 1) {
    const left = secondsLeft(inFlight[0].total, inFlight[0].sent, rate);
    return [...lines, fitted(rateText(rate, left), width).trimEnd()];
  }
  const count = `${done}/${totals.files}${totals.isWhole ? "" : "+"} files`;
  const total = totals.isWhole ? totals.bytes : undefined;
  const amount = `${bytesText(bytes.sent)}/${bytesText(totals.bytes)}${totals.isWhole ? "" : "+"}`;
  const failed = files.failed > 0 ? `, ${files.failed} failed` : "";
  const rated = rateText(rate, secondsLeft(total, bytes.sent, rate));
  const texts = [
    `${count}${failed}  ${amount}  ${rated}`,
    `${count}${failed}  ${rated}`,
    `${count}${failed}`,
    count,
  ];
  const text = texts.find((text) => text.length <= width) ?? "";
  const barWidth = width - text.length - 2;
  const bar = barWidth >= 8 && total !== undefined && text === texts[0]
    ? `${barOf(total === 0 ? 1 : bytes.sent / total, barWidth, color)}  `
    : "";
  return [...lines, `${bar}${text}`.trimEnd()];
}

function fileLine(
  name: string,
  sent: number,
  total: number | undefined,
  width: number,
  color: boolean,
): string {
  const share = total === undefined ? undefined : total === 0 ? 1 : Math.min(1, sent / total);
  const numbers = share === undefined
    ? bytesText(sent)
    : `${String(Math.floor(share * 100)).padStart(3)}% ${bytesText(total!)}`;
  if (width < 50) {
    return `${fitted(printable(name), Math.max(3, width - 15))} ${fitted(numbers, 14)}`.trimEnd();
  }
  const nameWidth = Math.min(40, Math.floor((width - NUMBERS) / 2));
  const barWidth = width - nameWidth - NUMBERS - 2;
  const bar = share === undefined ? " ".repeat(barWidth) : barOf(share, barWidth, color);
  return `${fitted(printable(name), nameWidth)} ${bar} ${fitted(numbers, NUMBERS)}`.trimEnd();
}

/** A bar; its colour is that of a link, which is legible on light and on dark. */
function barOf(share: number, width: number, color: boolean): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  const [done, rest] = ["█".repeat(full), "░".repeat(width - full)];
  return color ? `\x1b[36m${done}\x1b[2m${rest}\x1b[0m` : done + rest;
}

function secondsLeft(
  total: number | undefined,
  sent: number,
  rate: number | undefined,
): number | undefined {
  return total === undefined || !rate ? undefined : Math.max(0, total - sent) / rate;
}

function rateText(rate: number | undefined, left: number | undefined): string {
  if (rate === undefined) return "";
  return `${bytesText(rate)}/s${left === undefined ? "" : `, ${timeText(left)} left`}`;
}
