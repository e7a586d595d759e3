/**
 * What the demo shows while it runs.
 *
 * @module
 */

import type { Transport, UploadProgress } from "@resumable-media/upload";

/** Bytes as people read them. */
export function readable(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} bytes`;
  const power = Math.min(3, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${["", "KiB", "MiB", "GiB"][power]}`;
}

/** Where progress goes: one line that changes on a terminal, a line now and then elsewhere. */
export class Show {
  readonly #terminal = Deno.stdout.isTerminal();
  #line = "";
  #tenth = -1;

  /** Says something that stays. */
  say(text: string): void {
    this.#draw("");
    console.log(text);
  }

  /** Shows how far the upload is: sent and stored. */
  progress({ sent, persisted, total = 0 }: UploadProgress): void {
    const numbers = `sent ${readable(sent)}, stored ${readable(persisted)} of ${readable(total)}`;
    if (this.#terminal) return this.#draw(`${bar(sent, persisted, total)}  ${numbers}`);
    const tenth = total === 0 ? 10 : Math.floor(10 * persisted / total);
    if (tenth === this.#tenth) return;
    this.#tenth = tenth;
    console.log(`  ${String(10 * tenth).padStart(3)} %  ${numbers}`);
  }

  /** Replaces the line that changes. */
  #draw(line: string): void {
    if (!this.#terminal || line === this.#line) return;
    const ends = line === "" ? "" : line.padEnd(this.#line.length);
    Deno.stdout.writeSync(new TextEncoder().encode(`\r${ends || " ".repeat(this.#line.length)}\r`));
    if (line !== "") Deno.stdout.writeSync(new TextEncoder().encode(line));
    this.#line = line;
  }
}

/** Full where bytes are stored, half where they are sent. */
function bar(sent: number, persisted: number, total: number): string {
  const width = 30;
  const cells = (bytes: number) => total === 0 ? width : Math.floor(width * bytes / total);
  return "█".repeat(cells(persisted)) + "▒".repeat(cells(sent) - cells(persisted)) +
    "·".repeat(width - cells(sent));
}

/** Says in words what goes wrong on the network, and what the server answers when it is asked. */
export function narrated(transport: Transport, say: (text: string) => void): Transport {
  return async (input, init) => {
    const range = new Headers(init.headers).get("content-range");
    const question = range === "bytes */*";
    try {
      const response = await transport(input, init);
      if (question) say(answer(response));
      return response;
    } catch (error) {
      if (!init.signal?.aborted) say(`  ✗ the connection broke during ${name(range)}`);
      throw error;
    }
  };
}

function name(range: string | null): string {
  const bytes = range?.match(/(\d+)-(\d+)/);
  if (bytes) return `the request with bytes ${bytes[1]} to ${bytes[2]}: no reply`;
  return range === null || range === "bytes */*" ? "a question" : "the last request: no reply";
}

function answer({ status, headers }: Response): string {
  if (status !== 308) return "  ✓ asked the server: the object is finished, nothing is sent again";
  const stored = Number(headers.get("range")?.split("-")[1] ?? -1) + 1;
  return `  ✓ asked the server: ${stored} bytes are stored, going on from there`;
}
