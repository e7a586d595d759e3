/** What is said aloud: changes that matter, together where they come together, and never each percent. */

import { bytes } from "./format.ts";
import type { Phase } from "./transfer.ts";
import type { Problem } from "./error_words.ts";

/** As much of an upload as is spoken of. */
export interface Spoken {
  readonly name: string;
  readonly size: number;
  readonly phase: Phase;
  readonly steady: boolean;
  readonly problem: Problem | undefined;
}

/** What to say about a change; `undefined` for one that is not worth a word. */
export function announcement(before: Spoken | undefined, now: Spoken): string | undefined {
  const { name, phase, problem } = now;
  if (before?.phase === phase && before.steady === now.steady) return undefined;
  switch (phase) {
    case "uploading":
      if (before?.steady && !now.steady) return `${name}: interrupted, trying again`;
      return before?.phase === "uploading" && now.steady ? `${name}: goes on` : undefined;
    case "paused":
      return `${name}: paused`;
    case "needs-file":
      return problem
        ? `${name}: ${problem.what} ${problem.advice}`
        : `${name}: choose the file again to go on`;
    case "failed":
      return `${name}: ${problem?.what} ${problem?.advice}`;
    case "done":
      return `${name}: stored, ${bytes(now.size)}`;
    default:
      return undefined;
  }
}

/** The most messages that are said at once. */
const MOST = 4;

/**
 * Collects messages and says them together.
 *
 * @param write writes a text where it is read out
 * @param later calls back after a short while
 */
export function announcer(
  write: (text: string) => void,
  later: (callback: () => void) => void,
): (message: string) => void {
  let messages: string[] = [];
  return (message) => {
    if (messages.push(message) > 1) return;
    later(() => {
      const more = messages.length - MOST;
      const said = messages.slice(0, MOST).map((text) => text.replace(/[.\s]+$/, ""));
      write(`${said.join(". ")}.${more > 0 ? ` And ${more} more changes.` : ""}`);
      messages = [];
    });
  };
}
