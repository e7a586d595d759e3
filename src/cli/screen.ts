/** Lines of a terminal that are drawn again and again in the same place. */

import stringWidth from "string-width";
import { stripVTControlCharacters } from "node:util";
import type { Output } from "./io.ts";

/** The least time between two drawings, in milliseconds. */
const MIN_INTERVAL = 80;

/**
 * Draws lines over those that it has drawn before, in one write and without clearing them first, so that nothing flickers. A terminal
 * that was made narrower has wrapped the old lines: they are counted as it shows them now.
 */
export class Screen {
  readonly #output: Output;
  #lines: readonly string[] = [];
  #last = -Infinity;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Draws these lines; called too often, it does nothing. */
  draw(lines: readonly string[]): void {
    const now = Date.now();
    if (now - this.#last < MIN_INTERVAL) return;
    this.#last = now;
    const text = lines.map((line) => `${line}\x1b[K\n`).join("");
    this.#output.write(`\x1b[?25l${this.#home()}${text}\x1b[J\x1b[?25h`);
    this.#lines = lines;
  }

  /** Writes something above the lines, which stays; they are drawn again below it. */
  above(write: () => void): void {
    const lines = this.#lines;
    this.clear();
    write();
    if (lines.length === 0) return;
    this.#last = -Infinity;
    this.draw(lines);
  }

  /** Removes the lines. */
  clear(): void {
    if (this.#lines.length === 0) return;
    this.#output.write(`${this.#home()}\x1b[J`);
    this.#lines = [];
  }

  /** To the beginning of the first line. */
  #home(): string {
    const { columns } = this.#output;
    const rows = this.#lines.reduce((sum, line) => {
      const width = stringWidth(stripVTControlCharacters(line));
      return sum + Math.max(1, Math.ceil(width / columns));
    }, 0);
    return rows === 0 ? "" : `\x1b[${rows}A\r`;
  }
}
