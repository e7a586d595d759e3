// `ifGenerationMatch` makes an upload safer, never less reliable.

import {
  MultipartUpload,
  SimpleUpload,
  type Transport,
  upload,
  type UploadError,
  type UploadOptions,
  uploadStream,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { assertRefused, fakeClock, ONE_REQUEST } from "./retry_support.ts";
import {
  assertBytes,
  assertCode,
  assertStored,
  BUCKET,
  CHUNK,
  kinds,
  pattern,
  put,
  startUrl,
} from "./upload_support.ts";

const MIB = 1_048_576;

/** Sizes, and whether one request is enough. */
const SIZES: [size: number, options: Partial<UploadOptions>, oneRequest: boolean][] = [
  [CHUNK, {}, true],
  [CHUNK + 1, {}, false],
  [8 * MIB, { chunkSize: 16 * MIB }, true],
  [8 * MIB + 1, { chunkSize: 16 * MIB }, false],
  [8 * MIB, { chunkSize: undefined }, true],
  [9 * MIB, { chunkSize: undefined }, false],
  [8 * MIB + 1, { chunkSize: Infinity }, false],
  [5, { onCheckpoint() {} }, false],
  [5, { onCheckpoint() {}, retry: null }, false],
  [9 * MIB, { chunkSize: 16 * MIB, retry: null, ifGenerationMatch: undefined }, false],
];

const thresholds: PortableCase[] = SIZES.map(([size, options, oneRequest]) => ({
  name: `${size} bytes with ifGenerationMatch and ${
    Object.entries(options).map(([name, value]) =>
      typeof value === "function" ? name : `${name} ${String(value)}`
    ).join(", ") ||
    "the smallest chunks"
  } take ${oneRequest ? "one request" : "a session"}`,
  async run() {
    for (const make of [() => new Uint8Array(size), () => new Blob([new Uint8Array(size)])]) {
      const gcs = new GcsEmulator({ md5: false });
      await put(gcs, make(), { ifGenerationMatch: 0, ...options });
      assertEquals(kinds(gcs)[0], oneRequest ? "multipart" : "initiate");
    }
  },
}));

/** Stores something under the name of the object, as another client would. */
async function overtake(gcs: GcsEmulator, text = "of somebody else"): Promise<void> {
  await new SimpleUpload(startUrl("media")).transmit(gcs.fetch, text, "text/plain");
}

const lost: PortableCase[] = ONE_REQUEST.flatMap(({ what, run, bytes }): PortableCase[] => [
  {
    name: `${what}: a lost reply, and then a 412 because of the object itself, is a success`,
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: ["media", "multipart"], drop: "after" });
      await run(gcs.fetch, { retry: { clock: fakeClock() } });
      assertStored(gcs, bytes);
      assertEquals(kinds(gcs).slice(1).map((kind) => kind === "get"), [false, true]);
      assertEquals(gcs.requests.slice(1).map(({ status }) => status), [412, 200]);
    },
  },
  {
    name:
      `${what}: a lost reply, and then a 412 because of another object, says so and why it was repeated`,
    async run() {
      for (const other of ["of somebody else", bytes.map((byte) => byte ^ 1)]) {
        const gcs = new GcsEmulator();
        let calls = 0;
        const transport: Transport = async (input, init) => {
          if (calls++ > 0) return await gcs.fetch(input, init);
          const simple = new SimpleUpload(startUrl("media"));
          await simple.transmit(gcs.fetch, other, "text/plain");
          throw new TypeError("the connection was reset");
        };
        const error = await assertCode(
          run(transport, { retry: { clock: fakeClock() } }),
          "precondition_failed",
        );
        assertEquals((error.cause as UploadError)?.code, "transport_failed", "the cause");
        assertEquals(gcs.objects[0].size, other.length, "the other object");
      }
    },
  },
  {
    name: `${what}: a 503 that stored nothing, and then a 412, has the 503 as its cause`,
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: ["media", "multipart"], status: 503 });
      let calls = 0;
      const transport: Transport = async (input, init) => {
        if (calls++ === 1) await overtake(gcs);
        return await gcs.fetch(input, init);
      };
      const error = await assertCode(
        run(transport, { retry: { clock: fakeClock() } }),
        "precondition_failed",
      );
      assertEquals((error.cause as UploadError)?.code, "unavailable", "the cause");
    },
  },
  {
    name: `${what}: a 412 to the first request is final, and nothing is read`,
    async run() {
      const gcs = new GcsEmulator();
      await overtake(gcs);
      const error = await assertCode(
        run(gcs.fetch, { retry: { clock: fakeClock() } }),
        "precondition_failed",
      );
      assertEquals(error.cause, undefined, "the cause");
      assertEquals(gcs.requests.length, 2, "requests");
    },
  },
  {
    name: `${what}: an object that may not be read after a 412 is no success`,
    async run() {
      for (const status of [401, 403, 404]) {
        const gcs = new GcsEmulator();
        gcs.inject({ on: ["media", "multipart"], drop: "after" }, { on: "get", status });
        const error = await assertCode(
          run(gcs.fetch, { retry: { clock: fakeClock() } }),
          "precondition_failed",
        );
        assertEquals((error.cause as UploadError)?.code, "transport_failed", "the cause");
      }
    },
  },
  {
    name: `${what}: reading the object after a 412 is repeated as every request is`,
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: ["media", "multipart"], drop: "after" });
      gcs.inject({ on: "get", status: 503 }, { on: "get", drop: "after" });
      await run(gcs.fetch, { retry: { clock: fakeClock() } });
      assertStored(gcs, bytes);
    },
  },
]);

/** What cannot be a generation. */
const NO_GENERATIONS: unknown[] = [
  NaN,
  1.5,
  "",
  "abc",
  -1,
  2 ** 53,
  Infinity,
  "-1",
  "1.5",
  "1e3",
  "0x1",
  " 1",
  null,
  true,
  0n,
];

const refused: PortableCase[] = NO_GENERATIONS.map((value) => ({
  name: `ifGenerationMatch: ${typeof value} ${
    JSON.stringify(String(value))
  } is refused at the call`,
  async run() {
    const options = { ifGenerationMatch: value as number, bucket: BUCKET, name: "object" };
    const url = { ifGenerationMatch: value as number, url: startUrl("resumable") };
    for (
      const call of [
        (transport: Transport) => upload(pattern(5), { ...options, transport }),
        (transport: Transport) => upload(pattern(5), { ...url, transport }),
        (transport: Transport) => uploadStream({ ...options, transport }).result,
      ]
    ) {
      const error = await assertRefused(call, Error, "ifGenerationMatch");
      assert(error instanceof TypeError || error instanceof RangeError, `${error}`);
    }
  },
}));

/** Preconditions and reliability. */
export const retryPreconditions: PortableCase[] = [
  ...thresholds,
  ...lost,
  ...refused,
  {
    name:
      "a lost reply and a 412 for a name that needs encoding, and for a generation that is there",
    async run() {
      for (const name of ["a/b c?#%&é/ü", "..a", "a%2Fb"]) {
        const gcs = new GcsEmulator();
        const before = await put(gcs, "before", { name });
        gcs.inject({ on: "multipart", drop: "after" });
        const options = { name, ifGenerationMatch: before.generation };
        const object = await put(gcs, pattern(77), options);
        assertEquals([object.name, object.size], [name, "77"]);
        assert(object.generation !== before.generation, "the object from before");
        assertBytes(gcs.get(BUCKET, name)?.bytes, pattern(77), name);
        assertEquals(gcs.requests.at(-1)?.kind, "get");
      }
    },
  },
  {
    name: "a lost reply and a 412 for a class: object is the one that was read",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "multipart", drop: "after" });
      const multipart = new MultipartUpload(startUrl("multipart", "ifGenerationMatch=0"), {
        retry: { clock: fakeClock() },
      });
      await multipart.transmit(gcs.fetch, pattern(9), { name: "named here" }, "a/b");
      assertEquals([multipart.finished, multipart.object?.name], [true, "named here"]);
      assertEquals(multipart.object?.size, "9");
    },
  },
  {
    name: "generations that can be are taken: 0, numbers, and texts of any length",
    async run() {
      for (const value of [0, "0", 7, "1700000000000000", "9007199254740993"]) {
        const gcs = new GcsEmulator();
        const running = put(gcs, pattern(5), { ifGenerationMatch: value });
        if (Number(value) === 0) await running;
        else await assertCode(running, "precondition_failed");
        const sent = new URL(gcs.requests[0].url).searchParams.getAll("ifGenerationMatch");
        assertEquals(sent, [String(value)]);
      }
    },
  },
  {
    name:
      "x-goog-if-generation-match is no precondition of the JSON API: nothing is repeated for it",
    async run() {
      const retry = { clock: fakeClock() };
      const headers = { "x-goog-if-generation-match": "0" };
      for (const type of ["media", "multipart"] as const) {
        const gcs = new GcsEmulator();
        gcs.inject({ on: type, status: 503 });
        const running = type === "media"
          ? new SimpleUpload(startUrl(type), { headers, retry })
            .transmit(gcs.fetch, pattern(5), "a/b")
          : new MultipartUpload(startUrl(type), { headers, retry })
            .transmit(gcs.fetch, pattern(5), {}, "a/b");
        await assertRejects(running, Error);
        assertEquals(kinds(gcs), [type]);
      }
      const gcs = new GcsEmulator();
      const running = put(gcs, pattern(5), { headers });
      // Refusing it is as good: what matters is that it is not taken for what it is not.
      const refused = await running.then(() => undefined, (error: unknown) => error);
      if (refused === undefined) assertEquals(kinds(gcs), ["initiate", "final"]);
      else assert(refused instanceof TypeError, `${refused}`);
    },
  },
];
