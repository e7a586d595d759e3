// Hostile words for somebody who reads the log.

import { ask } from "../support.ts";
import { type Hostile, started, type Target } from "./case.ts";

const inName = (words: string) => (target: Target): Promise<Response> =>
  ask(target, `?uploadType=media&name=${encodeURIComponent(words)}`, {
    body: "x",
    grant: { name: "a" },
  });
const withRange = (range: string) => async (target: Target): Promise<Response> => {
  const headers = { "content-range": range };
  return await ask(target, await started(target), { method: "PUT", body: "x", headers });
};

const names: readonly [attack: string, words: string][] = [
  ["a terminal's commands (ESC) in a name", "\x1b[2J\x1b[31mok"],
  ["C1 controls in a name", "\u009b31m\u0085"],
  ["a name that is read from right to left", "\u202egnp.exe"],
  ["separators of lines and invisible characters in a name", "a\u2028b\u200b\ufeff"],
  ["JSON in a name", 'a","status":200,"x":"'],
  ["a name of 1000 characters", "a".repeat(1000)],
];

/** Words for somebody who reads the log. Each line is JSON without control characters, of at most 1024 characters. */
export const logs: readonly Hostile[] = [
  ...names.map(([attack, words]) => ({ attack, answer: "403 forbidden", run: inName(words) })),
  {
    attack: "CR LF and a second line in a name",
    answer: "400 invalid",
    run: inName('a\r\n{"status":200}'),
  },
  {
    attack: "a terminal's commands in `Content-Range`",
    answer: "400 invalid",
    google: "start",
    run: withRange("bytes 0-0/\x1b[31m"),
  },
  {
    attack: "C1 controls in `Content-Range`",
    answer: "400 invalid",
    google: "start",
    run: withRange("bytes 0-0/1\u009b31m"),
  },
  {
    attack: "CR LF, ESC and bidi in the `sub` of a ticket",
    answer: "200",
    google: "object",
    stored: "a (1)",
    run: (target) =>
      ask(target, "?uploadType=media&name=a", {
        body: "x",
        grant: { prefix: "", subject: "user\r\n{}\x1b[31m\u202e\u0085" },
      }),
  },
  {
    attack: "a terminal's commands in a parameter's name",
    answer: "400 invalidParameter",
    run: (target) => ask(target, "?uploadType=media&name=a&%1b[31m%c2%9b=1", { body: "x" }),
  },
];
