// The state machine with its loop: all short sequences of replies, and random long ones.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ResumableUpload, type Transport, UploadError } from "../../mod.ts";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { finished, started, stored } from "../support/scripted.ts";
import { LONG, property, report } from "./support/property.ts";
import { fileOf, QUANTUM as U } from "./support/sources.ts";
import { startAt } from "./support/scenario.ts";

/** Four quanta and a bit, in chunks of two: three requests without failures. */
const SIZE = 4 * U + 7, CHUNK = 2 * U;
const FILE = fileOf(SIZE);
const CRC = encodeCrc32c(crc32c(FILE));
/** CRC32C up to each quantum, and of the whole. */
const CRC_AT = new Map(
  [0, 1, 2, 3, 4].map((n) => n * U).concat(SIZE).map((end) => [
    end,
    encodeCrc32c(crc32c(FILE.subarray(0, end))),
  ]),
);

/** What the client has told and been told, seen from outside. */
interface Known {
  /** Confirmed bytes. */
  floor: number;
  /** The end of the last byte sent. */
  sent: number;
  asked: "chunk" | "status";
}

const plain = (status: number, text: string) =>
  new Response(text, { status, headers: { "content-type": "text/plain; charset=utf-8" } });

/** One kind of reply. `sure` says how many bytes it proves to be stored, `undefined` if nothing. */
interface Letter {
  readonly reply: (known: Known) => Response | Error;
  readonly sure?: (known: Known) => number | undefined;
  readonly finishes?: boolean;
}

const keeping = (end: (known: Known) => number): Letter => ({
  reply: (known) => stored(end(known)),
  // Without a Range a chunk's reply proves nothing once something has been confirmed.
  sure: (known) => end(known) < known.floor || end(known) > known.sent ? undefined : end(known),
});
const failing = (make: () => Response | Error): Letter => ({ reply: make });
const quantumAfter = ({ floor, sent }: Known) => Math.min(floor + U, sent);

const ALPHABET: Record<string, Letter> = {
  "all is stored": keeping(({ sent }) => sent),
  "one more quantum is stored": keeping(quantumAfter),
  "no more is stored": keeping(({ floor }) => floor),
  "the right object": {
    reply: () => finished({ size: String(SIZE), crc32c: CRC }),
    finishes: true,
  },
  "status 503": failing(() => new Response("", { status: 503 })),
  "no reply": failing(() => new TypeError("fetch failed")),
  "a 308 without a Range": {
    reply: () => stored(0),
    sure: ({ floor }) => floor === 0 ? 0 : undefined,
  },
  "less is stored": keeping(({ floor }) => Math.max(0, floor - 1)),
  "more is stored than was sent": keeping(({ sent }) => sent + 1),
  "other bytes are stored": {
    reply: (known) => stored(quantumAfter(known), { "x-goog-running-hash": "crc32c=AAAAAQ==" }),
    sure: (known) =>
      quantumAfter(known) % U === 0 || quantumAfter(known) === SIZE
        ? undefined
        : quantumAfter(known),
  },
  "these bytes are stored": {
    reply: (known) => {
      const crc = CRC_AT.get(quantumAfter(known));
      const hash: Record<string, string> = crc === undefined
        ? {}
        : { "x-goog-running-hash": `crc32c=${crc}` };
      return stored(quantumAfter(known), hash);
    },
    sure: quantumAfter,
  },
  "a Range that cannot be read": failing(() =>
    new Response(null, { status: 308, headers: { range: "bytes=5-9" } })
  ),
  "an object of another size": failing(() => finished({ size: String(SIZE - 1), crc32c: CRC })),
  "an object with other bytes": failing(() => finished({ size: String(SIZE), crc32c: "AAAAAQ==" })),
  "an object without a checksum": { reply: () => finished({ size: String(SIZE) }) },
  "success without an object": failing(() => new Response("")),
  "status 400": failing(() => plain(400, "Bad Request")),
  "status 404": failing(() => plain(404, "Not Found")),
  "status 412": failing(() => new Response("", { status: 412 })),
  "status 499": failing(() => new Response("", { status: 499 })),
  "bytes behind a gap": failing(() => plain(503, "According to the Content-Range header, …")),
  "status 307": failing(() =>
    new Response("", { status: 307, headers: { location: "https://x.example" } })
  ),
};
const LETTERS = Object.keys(ALPHABET);
/** The ones that uploads live with; the first six. */
const USUAL = LETTERS.slice(0, 6);

/** Plays a sequence with a caller that never gives up, and checks every step. */
async function play(sequence: readonly string[], required: "auto" | "crc32c"): Promise<void> {
  const known: Known = { floor: 0, sent: 0, asked: "chunk" };
  let sure = true, right = false, requests = 0;
  let letter = "";
  const transport: Transport = (_url, init) => {
    if (init.method === "POST") return Promise.resolve(started());
    requests++;
    const range = new Headers(init.headers).get("content-range")!;
    const bytes = init.body as Uint8Array;
    if (range === "bytes */*") {
      known.asked = "status";
      assertEquals(bytes.length, 0, "a status query has no bytes");
    } else {
      known.asked = "chunk";
      assert(sure, `bytes were sent (${range}) although it was not known what is stored`);
      const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(range)!;
      const from = match[1] === undefined ? known.floor : Number(match[1]);
      assertEquals(from, known.floor, "bytes are sent from the first one that is not confirmed");
      if (match[2] !== undefined) assertEquals(Number(match[2]) + 1 - from, bytes.length);
      else {assertEquals(
          known.floor,
          SIZE,
          "only what is stored in whole is finished without bytes",
        );}
      assertEquals(bytes[0], bytes.length ? FILE[from] : undefined);
      assertEquals(bytes.at(-1), bytes.length ? FILE[from + bytes.length - 1] : undefined);
      known.sent = Math.max(known.sent, from + bytes.length);
    }
    const { reply, sure: proves, finishes } = ALPHABET[letter];
    let proven = proves?.(known);
    if (proven === 0 && known.asked === "chunk" && known.floor > 0) proven = undefined;
    const answer = reply(known);
    sure = proven !== undefined;
    // A chunk of which nothing was stored makes it doubtful what goes on there.
    if (sure && known.asked === "chunk" && proven === known.floor) sure = false;
    if (proven !== undefined) known.floor = proven;
    const trusted = finishes || (letter === "an object without a checksum" && required === "auto");
    right = trusted === true && known.sent === SIZE;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const upload = new ResumableUpload(startAt("https://storage.googleapis.com"), CHUNK, {
    retry: null,
    checksum: required,
  });
  await upload.initiate(transport, FILE, { name: "a" }, "text/plain");
  for (letter of sequence) {
    const before = requests;
    if (upload.invalid) await expectRefusal(() => upload.transmitNextChunk(transport));
    assertEquals(requests, before, "an invalid upload sends nothing");
    try {
      await (upload.invalid ? upload.recover(transport) : upload.transmitNextChunk(transport));
    } catch (error) {
      if (!(error instanceof UploadError)) throw error;
    }
    assertEquals(requests, before + 1, "one step is one request");
    assertEquals(upload.finished, right, `finished after: ${letter}`);
    assertEquals(upload.bytesUploaded, right ? SIZE : known.floor, `confirmed after: ${letter}`);
    if (upload.finished) break;
    assertEquals(upload.invalid, !sure, `invalid after: ${letter}`);
  }
  if (!upload.finished) return;
  await expectRefusal(() => upload.transmitNextChunk(transport));
  await expectRefusal(() => upload.recover(transport));
}

async function expectRefusal(action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    assert(error instanceof UploadError && error.code === "invalid_state", String(error));
    return;
  }
  throw new Error("expected an invalid_state");
}

/** All sequences of so many letters. */
function* sequences(letters: readonly string[], length: number): Generator<string[]> {
  if (length === 0) yield [];
  else {
    for (const rest of sequences(letters, length - 1)) {
      for (const letter of letters) yield [letter, ...rest];
    }
  }
}

async function playAll(rule: string, letters: readonly string[], length: number): Promise<void> {
  let [count, failures] = [0, 0];
  for (const sequence of sequences(letters, length)) {
    count++;
    failures += sequence.filter((letter) => !(ALPHABET[letter].sure ?? ALPHABET[letter].finishes))
      .length;
    try {
      await play(sequence, count % 2 ? "auto" : "crc32c");
    } catch (error) {
      throw new Error(`${sequence.join(" → ")}: ${(error as Error).message}`, { cause: error });
    }
  }
  report(rule, count, { faults: failures });
}

const SHORT = LONG ? 4 : 3, USUAL_LENGTH = LONG ? 6 : 5;

Deno.test(`bytes are sent only where the server is known to be, after all ${SHORT} replies`, () =>
  playAll(`all sequences of ${SHORT} replies`, LETTERS, SHORT));

Deno.test(`an upload is done only with the right object, after all ${USUAL_LENGTH} usual replies`, () =>
  playAll(`all sequences of ${USUAL_LENGTH} usual replies`, USUAL, USUAL_LENGTH));

property(
  "bytes are sent only where the server is known to be, after any replies",
  1000,
  fc.tuple(
    fc.array(fc.constantFrom(...USUAL.slice(0, 3), ...LETTERS), { minLength: 3, maxLength: 14 }),
    fc.constantFrom("auto" as const, "crc32c" as const),
  ),
  async ([sequence, required], tally) => {
    tally.faults += sequence.filter((letter) => !ALPHABET[letter].sure).length;
    await play(sequence, required);
  },
);

property(
  "with retrying, every path ends: done with the right object, or with a typed error",
  1000,
  fc.tuple(
    fc.array(fc.constantFrom(...LETTERS), { maxLength: 20 }),
    fc.constantFrom(...LETTERS),
    fc.integer({ min: 1, max: 5 }),
  ),
  async ([sequence, forever, maxAttempts], tally) => {
    const known: Known = { floor: 0, sent: 0, asked: "chunk" };
    let requests = 0;
    const transport: Transport = (_url, init) => {
      if (init.method === "POST") return Promise.resolve(started());
      if (++requests > 500) throw new UploadError("invalid_state", "The upload does not end");
      const match = /^bytes (\d+)-(\d+)/.exec(new Headers(init.headers).get("content-range")!);
      if (match) {
        known.floor = Number(match[1]);
        known.sent = Math.max(known.sent, Number(match[2]) + 1);
      }
      const letter = sequence[requests - 1] ?? forever;
      if (!ALPHABET[letter].sure) tally.faults++;
      const answer = ALPHABET[letter].reply(known);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    };
    const clock = fakeClock();
    const upload = new ResumableUpload(startAt("https://storage.googleapis.com"), CHUNK, {
      retry: { clock, maxAttempts },
    });
    await upload.initiate(transport, FILE, { name: "a" }, "text/plain");
    try {
      while (!upload.finished) await upload.transmitNextChunk(transport);
      assertEquals(known.sent, SIZE, "finished before all was sent");
    } catch (error) {
      if (!(error instanceof UploadError)) throw error;
    }
    assert(requests <= 500, "it does not end");
  },
);
