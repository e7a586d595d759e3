// `upload()`: what it makes of its options, and what it tells.

import type { Checkpoint, UploadProgress } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  assertStored,
  BUCKET,
  CHUNK,
  chunks,
  kinds,
  type MoreOptions,
  pattern,
  put,
  startUrl,
  streamOf,
} from "./upload_support.ts";

/** Names that a URL, a path, a header, a query or JSON could get wrong. */
export const ODD_NAMES: readonly string[] = [
  "with space",
  "a+b",
  "100%",
  "%2F",
  "a/b//c/",
  "/leading",
  "../up/./here",
  "question?mark=1&more#fragment",
  "semi;colon,comma:=@!$'()*",
  "quotes\"and'`back\\slash",
  "tab\tand\u0001control\u007f",
  "<html>&amp;{json}[1]|^~",
  "ünïcödé/日本語/🌍",
  "e\u0301 is not \u00e9",
  "\u202eright to left",
  "a".repeat(1024),
];

/** How much is sent how, in the words of the log. */
const TYPES: [what: string, size: number, options: MoreOptions, kinds: string][] = [
  ["a few bytes", 5, {}, "initiate final"],
  ["a few bytes that are not to be retried", 5, { retry: null }, "multipart"],
  ["a few bytes over nothing", 5, { ifGenerationMatch: 0 }, "multipart"],
  [
    "a few bytes over nothing, without a checksum",
    5,
    { ifGenerationMatch: 0, checksum: null },
    "media",
  ],
  [
    "a few bytes with metadata over nothing, without a checksum",
    5,
    { ifGenerationMatch: 0, checksum: null, metadata: { cacheControl: "x" } },
    "multipart",
  ],
  ["one chunk over nothing", CHUNK, { ifGenerationMatch: 0 }, "multipart"],
  ["more than a chunk over nothing", CHUNK + 1, { ifGenerationMatch: 0 }, "initiate chunk final"],
  ["more than a chunk", CHUNK + 1, { retry: null }, "initiate chunk final"],
];

/** `upload()`. */
export const calls: PortableCase[] = [
  ...TYPES.map(([what, size, options, expected]): PortableCase => ({
    name: `upload() sends ${what} as: ${expected}`,
    async run() {
      const gcs = new GcsEmulator();
      await put(gcs, new Blob([pattern(size)]), options);
      assertEquals(kinds(gcs).join(" "), expected);
      assertStored(gcs, pattern(size));
    },
  })),
  {
    name: "upload() obeys the type of upload in a URL",
    async run() {
      for (const type of ["media", "multipart", "resumable"] as const) {
        const gcs = new GcsEmulator();
        const place = { bucket: undefined, name: undefined };
        await put(gcs, "hello", { ...place, url: startUrl(type) });
        assertEquals(kinds(gcs)[0], type === "resumable" ? "initiate" : type);
        assertStored(gcs, new TextEncoder().encode("hello"));
      }
    },
  },
  {
    name: "a small stream is a resumable upload, as it can be read only once",
    async run() {
      const gcs = new GcsEmulator();
      await put(gcs, streamOf(pattern(5), 5), { ifGenerationMatch: 0 });
      assertEquals(kinds(gcs), ["initiate", "final"]);
    },
  },
  {
    name: "names with every odd character arrive as they are",
    async run() {
      const gcs = new GcsEmulator();
      for (const name of ODD_NAMES) {
        for (const options of [{}, { retry: null }, { retry: null, checksum: null }]) {
          gcs.reset();
          const object = await put(gcs, pattern(5), { name, ...options });
          assertEquals([object.name, object.bucket], [name, BUCKET]);
          assertEquals(gcs.objects.map(({ name }) => name), [name]);
        }
      }
    },
  },
  {
    name: "names that Google does not take are refused before anything is sent",
    async run() {
      const gcs = new GcsEmulator();
      for (const name of ["", ".", "..", "a\nb", "a\rb", "a".repeat(1025), "\ud800"]) {
        await assertRejects(put(gcs, "a", { name }), RangeError);
      }
      for (const bucket of ["", "A", "a/b", "a?b", "..", "a%2fb"]) {
        await assertRejects(put(gcs, "a", { bucket }), RangeError);
      }
      assertEquals(gcs.requests.length, 0);
    },
  },
  {
    name: "options that contradict each other are refused before anything is sent",
    async run() {
      const gcs = new GcsEmulator();
      const wrong: MoreOptions[] = [
        { url: startUrl("resumable") },
        { bucket: undefined },
        { name: undefined },
        { metadata: { name: "another" } },
        { contentType: "nothing" },
        { endpoint: "ftp://a" },
        { transport: 5 as unknown as typeof fetch },
      ];
      for (const options of wrong) await assertRejects(put(gcs, "a", options), TypeError);
      await assertRejects(put(gcs, pattern(CHUNK + 1), { chunkSize: 1000 }), RangeError);
      await assertRejects(put(gcs, pattern(CHUNK + 1), { totalBytes: 1 }), RangeError);
      assertEquals(gcs.requests.length, 0);
    },
  },
  {
    name: "the media type is the one given, else that of the metadata, the Blob, the string",
    async run() {
      const gcs = new GcsEmulator();
      const type = async (source: Blob | string, options: MoreOptions = {}) => {
        await put(gcs, source, options);
        return gcs.get(BUCKET, "object")?.contentType;
      };
      const blob = new Blob(["a"], { type: "image/png" });
      assertEquals(await type(blob), "image/png");
      assertEquals(await type(blob, { contentType: "image/webp" }), "image/webp");
      assertEquals(await type(blob, { metadata: { contentType: "a/b" } }), "a/b");
      assertEquals(await type("a"), "text/plain;charset=UTF-8");
      assertEquals(await type(new Blob(["a"])), "application/octet-stream");
    },
  },
  {
    name: "metadata becomes that of the object, in every type of upload",
    async run() {
      const gcs = new GcsEmulator();
      for (const retry of [null, {}]) {
        const metadata = { cacheControl: "no-store", metadata: { "ключ": "värde" } };
        const object = await put(gcs, pattern(5), { metadata, retry });
        assertEquals([object.cacheControl, object.metadata], ["no-store", { "ключ": "värde" }]);
      }
    },
  },
  {
    name: "headers go with every request",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "chunk", drop: "after" });
      await put(gcs, pattern(CHUNK + 1), { headers: { "x-goog-user-project": "me" } });
      assertEquals(kinds(gcs), ["initiate", "chunk", "status", "final"]);
      const sent = gcs.requests.map(({ headers }) => headers["x-goog-user-project"]);
      assertEquals(sent, ["me", "me", "me", "me"]);
    },
  },
  {
    name: "progress never goes back, never exceeds the total, and ends with everything stored",
    async run() {
      const bytes = pattern(4 * CHUNK + 5);
      for (const source of [new Blob([bytes]), streamOf(bytes, 99_999)]) {
        const gcs = new GcsEmulator({ seed: 3 });
        gcs.randomFaults({ dropBefore: 0.2, dropAfter: 0.2, cut: 0.2 });
        const seen: UploadProgress[] = [];
        await put(gcs, source, {
          chunkSize: 2 * CHUNK,
          onProgress: (progress) => void seen.push({ ...progress }),
        });
        for (const [i, { sent, persisted, total }] of seen.entries()) {
          const before = seen[i - 1] ?? { sent: 0, persisted: 0 };
          assert(sent >= before.sent, `sent went from ${before.sent} to ${sent}`);
          assert(persisted >= before.persisted, `stored from ${before.persisted} to ${persisted}`);
          assert(persisted <= sent && sent <= (total ?? Infinity), `${persisted} ${sent} ${total}`);
        }
        const all = bytes.length;
        assertEquals(seen.at(-1), { sent: all, persisted: all, total: all, resumedFrom: 0 });
        assert(gcs.requests.some(({ fault }) => fault !== null), "nothing went wrong");
      }
    },
  },
  {
    name: "progress of a one-request upload begins with nothing stored and ends with everything",
    async run() {
      const seen: UploadProgress[] = [];
      const onProgress = (progress: UploadProgress) => void seen.push(progress);
      await put(new GcsEmulator(), "hello", { onProgress, ifGenerationMatch: 0 });
      assertEquals(seen.map(({ persisted, total }) => [persisted, total]), [[0, 5], [5, 5]]);
    },
  },
  {
    name: "the upload waits for onCheckpoint, which has been told before anything more is sent",
    async run() {
      const gcs = new GcsEmulator();
      const told: [number, number][] = [];
      await put(gcs, pattern(3 * CHUNK), {
        async onCheckpoint({ persisted }: Checkpoint) {
          const sent = chunks(gcs).length;
          await new Promise((resolve) => setTimeout(resolve, 0));
          assertEquals(chunks(gcs).length, sent, "chunks sent meanwhile");
          told.push([persisted, sent]);
        },
      });
      assertEquals(told, [[0, 0], [CHUNK, 1], [2 * CHUNK, 2]]);
    },
  },
  {
    name: "a callback that throws ends the upload with its error, and the session stays open",
    async run() {
      const failure = new RangeError("the disk is full");
      const fail = () => {
        throw failure;
      };
      for (const callback of ["onCheckpoint", "onProgress"] as const) {
        const gcs = new GcsEmulator();
        let reason: unknown;
        const source = streamOf(pattern(2 * CHUNK), 50_000, (why) => reason = why);
        const uploading = put(gcs, source, { [callback]: fail });
        assert(await assertRejects(uploading, RangeError) === failure, "another error");
        assert(reason === failure, "the source was not told");
        assertEquals(gcs.sessions.map(({ phase }) => phase), ["open"]);
      }
    },
  },
];
