// Hostile requests with `Content-Range`.

import { ask } from "../support.ts";
import { type Hostile, started, type Target } from "./case.ts";

/** Sends five bytes, or the body, on a session for at most ten. */
const send = (range: string, body = "12345", size?: string) => async (target: Target) => {
  const url = await started(target, {
    grant: { prefix: "", maxBytes: 10 },
    headers: size === undefined ? {} : { "x-upload-content-length": size },
  });
  const headers = { "content-range": range, "content-length": `${body.length}` };
  return await ask(target, url, { method: "PUT", headers, ...(body !== "" && { body }) });
};

const malformed = [
  "bytes 0-4",
  "bytes=0-4/5",
  "items 0-4/5",
  "BYTES 0-4/5",
  "bytes 4-0/5",
  "bytes 0-4/3",
  "bytes -4/5",
  "bytes 0-0x4/5",
  "bytes 0-4/5, bytes 0-9/10",
  "bytes 0-4/1000000000000000",
  "bytes 0-4/NaN",
];

const lies: readonly [attack: string, range: string, body?: string, size?: string][] = [
  ["fewer bytes than `bytes 0-9/10` says", "bytes 0-9/10"],
  ["more bytes than `bytes 0-1/2` says", "bytes 0-1/2"],
  ["bytes along with `bytes */*`", "bytes */*"],
  ["bytes along with `bytes */5`", "bytes */5"],
  ["another total than was declared", "bytes 0-4/5", "12345", "6"],
  ["a no-break space before the range", "\u00a0bytes 0-4/5"],
];

const tooFar: readonly [attack: string, range: string, body?: string][] = [
  ["a total beyond the ticket's limit", "bytes 0-4/11"],
  ["a chunk that ends beyond the limit", "bytes 6-10/*"],
  ["a chunk that begins beyond the limit", "bytes 999999999999999-*/*"],
  ["`bytes */11`, to finish beyond the limit", "bytes */11", ""],
];

/** `Content-Range`. */
export const ranges: readonly Hostile[] = [
  ...malformed.map((range) => ({
    attack: `\`${range}\``,
    answer: "400 invalid",
    google: "start",
    run: send(range),
  })),
  ...lies.map(([attack, range, body, size]) => ({
    attack,
    answer: "400 invalid",
    google: "start",
    run: send(range, body, size),
  })),
  ...tooFar.map(([attack, range, body]) => ({
    attack,
    answer: "413 uploadTooLarge",
    google: "start",
    run: send(range, body),
  })),
  {
    attack: "a chunk beyond what is stored",
    answer: "503",
    google: "start, query",
    run: send("bytes 5-9/10"),
  },
];
