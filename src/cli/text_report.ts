/** Lines for people, and bars where somebody is looking. */

import type { Io } from "./io.ts";
import { messageOf } from "./exit_code.ts";
import { barLines } from "./bars.ts";
import { Rate } from "./rate.ts";
import type { Outcome, Report, RunProgress, Subject, Summary, Totals } from "./report.ts";
import { Screen } from "./screen.ts";
import { bytesText, countText, printable, timeText } from "./shown_text.ts";

/** How a report looks. */
export interface TextReportOptions {
  /** Only what fails. */
  readonly quiet: boolean;
  /** The time in milliseconds. */
  readonly now: () => number;
}

/**
 * On a terminal: bars, and a line for what fails or is worth knowing. Elsewhere: one line for each file. At the end what became of all.
 */
export class TextReport implements Report {
  readonly #io: Pick<Io, "stdout" | "stderr" | "env">;
  readonly #options: TextReportOptions;
  readonly #screen: Screen | undefined;
  readonly #rate: Rate;
  readonly #started: number;

  constructor(io: Pick<Io, "stdout" | "stderr" | "env">, options: TextReportOptions) {
    this.#io = io;
    this.#options = options;
    this.#started = options.now();
    this.#rate = new Rate(options.now);
    const isSeen = io.stderr.isTTY && !options.quiet && io.env.TERM !== "dumb";
    this.#screen = isSeen ? new Screen(io.stderr) : undefined;
  }

  note({ source }: Subject, text: string): void {
    if (!this.#options.quiet) this.#line(`${printable(source)}: ${text}`);
  }

  progress(progress: RunProgress, totals: Totals): void {
    this.#rate.add(progress.bytes.sent - progress.bytes.resumedFrom);
    if (!this.#screen) return;
    const { columns, rows } = this.#io.stderr;
    const color = this.#io.env.NO_COLOR === undefined || this.#io.env.NO_COLOR === "";
    const known = { rate: this.#rate.value, columns, rows, color };
    this.#screen.draw(barLines(progress, totals, known));
  }

  ended({ source, destination }: Subject, outcome: Outcome): void {
    const [from, to] = [printable(source), printable(destination)];
    if (outcome.status === "failed") {
      this.#line(`${from}: ${printable(messageOf(outcome.error, outcome.isOfBucket))}`);
      return;
    }
    if (this.#options.quiet || (this.#screen && outcome.status !== "planned")) return;
    this.#result(`${textOf(outcome)} ${from} -> ${to}\n`);
  }

  failed(error: unknown): void {
    this.#line(printable(messageOf(error)));
  }

  close(summary: Summary | undefined): void {
    this.#screen?.clear();
    if (!summary) return;
    const { skipped, failed, isInterrupted, isResumable } = summary;
    const seconds = Math.max(0.001, (this.#options.now() - this.#started) / 1000);
    const others = [
      ...skipped > 0 ? [`${skipped} skipped`] : [],
      ...failed > 0 ? [`${failed} failed`] : [],
    ];
    if (!this.#options.quiet) {
      this.#line([sentText(summary, seconds), ...others].join(", "));
    }
    const again = isResumable ? "The same command again goes on from here." : "";
    if (isInterrupted) this.#line(`Stopped. ${again}`.trimEnd());
    else if (again !== "" && failed > 0 && !this.#options.quiet) this.#line(again);
  }

  #result(text: string): void {
    if (this.#screen) this.#screen.above(() => this.#io.stdout.write(text));
    else this.#io.stdout.write(text);
  }

  #line(text: string): void {
    if (this.#screen) this.#screen.above(() => this.#io.stderr.write(`${text}\n`));
    else this.#io.stderr.write(`${text}\n`);
  }
}

function sentText({ planned, uploaded, bytes }: Summary, seconds: number): string {
  if (planned) return `${countText(planned.files, "file")} to upload, ${bytesText(planned.bytes)}`;
  return `${countText(uploaded, "file")} uploaded, ${bytesText(bytes)} in ${timeText(seconds)}`;
}

function textOf(outcome: Exclude<Outcome, { status: "failed" }>): string {
  if (outcome.status === "planned") return "would upload";
  if (outcome.status === "uploaded") return `uploaded ${bytesText(outcome.size)}`;
  return outcome.reason === "exists" ? "skipped (exists)" : "skipped (done before)";
}
