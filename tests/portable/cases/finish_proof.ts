// A success proves itself: a reply that shows no object is none, and what is stored is what was sent.

import {
  InvalidResponse,
  MultipartUpload,
  ResumableUpload,
  SimpleUpload,
  type Transport,
  UploadError,
  uploadStream,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { changing, failureOf, settled, store, streamOptionsFor } from "./sources_support.ts";
import {
  assertCode,
  assertStored,
  CHUNK,
  finish,
  kinds,
  pattern,
  startUrl,
  storedCheckpoint,
  streamOf,
  testClock,
} from "./upload_support.ts";

const bytes = pattern(CHUNK + 1_000);

/** What a proxy, a captive portal or a broken server answers with 200. */
const NO_OBJECTS: Readonly<Record<string, string>> = {
  "an empty JSON object": "{}",
  "a word of something in between": '{"status":"ok"}',
  "an error under 200": '{"error":{"code":503,"message":"Backend Error"}}',
  "an empty error": '{"error":{}}',
  "an error beside a name": '{"name":"object","error":{"code":500}}',
  "a size that is no number": '{"kind":"storage#object","name":"object","size":"12x"}',
  "a size with a blank": `{"kind":"storage#object","name":"object","size":" ${CHUNK + 1_000}"}`,
  "a negative size": '{"kind":"storage#object","name":"object","size":"-1"}',
  "an empty size": '{"kind":"storage#object","name":"object","size":""}',
  "a size that is half a byte too long": '{"kind":"storage#object","name":"object","size":1.5}',
  "a size that is an object": '{"kind":"storage#object","name":"object","size":{}}',
  "a checksum that is a number": '{"kind":"storage#object","name":"object","crc32c":5}',
  "a list": "[]",
  "a list of objects": '[{"kind":"storage#object","name":"object"}]',
  "a string": '"ok"',
  "a number": "200",
  "true": "true",
  "null": "null",
  "a page": "<!doctype html><title>Welcome</title>",
  "half an object": '{"kind":"storage#object","na',
  "nothing": "",
};

/** The reply, with another body. */
const saying = (reply: Response, body: string) => {
  const headers = new Headers({ "content-type": "application/json" });
  return new Response(body === "" ? null : body, { status: reply.status, headers });
};

/** The ways to finish a session. */
const SESSIONS: Readonly<
  Record<string, (gcs: GcsEmulator, transport: Transport) => Promise<unknown>>
> = {
  "upload()": (gcs, transport) => store(gcs, new Blob([bytes]), { transport }),
  "upload() of a stream": (gcs, transport) => store(gcs, streamOf(bytes, 50_000), { transport }),
  "upload() without a checksum": (gcs, transport) =>
    store(gcs, new Blob([bytes]), { transport, checksum: null }),
  "uploadStream()": async (gcs, transport) => {
    const { writable, result } = uploadStream(streamOptionsFor(gcs, { transport }));
    await Promise.all([streamOf(bytes, 50_000).pipeTo(writable), result]);
  },
  "transmitNextChunk()": async (_gcs, transport) => {
    const retry = { clock: testClock() };
    const upload = new ResumableUpload(startUrl("resumable"), CHUNK, { retry });
    await upload.initiate(transport, bytes, {}, "a/b");
    await finish(upload, transport);
  },
};

const asked: PortableCase[] = Object.entries(SESSIONS).map(([way, send]) => ({
  name: `${way}: after a success that shows no object the server is asked, and its word counts`,
  async run() {
    for (const [what, body] of Object.entries(NO_OBJECTS)) {
      const gcs = new GcsEmulator();
      let said = false;
      const transport = changing(gcs.fetch, (reply, init) => {
        if (said || init.method !== "PUT" || reply.status !== 200) return reply;
        said = true;
        return saying(reply, body);
      });
      await settled(send(gcs, transport), `${way} after ${what}`);
      assert(said, "no reply was changed");
      assertStored(gcs, bytes);
      assertEquals(kinds(gcs).slice(-2), ["final", "status"], what);
    }
  },
}));

const stays: PortableCase[] = Object.entries(SESSIONS).map(([way, send]) => ({
  name: `${way}: a success that never shows an object is an invalid response`,
  async run() {
    for (const [what, body] of Object.entries(NO_OBJECTS)) {
      const gcs = new GcsEmulator();
      const transport = changing(
        gcs.fetch,
        (reply, init) =>
          init.method === "PUT" && reply.status === 200 ? saying(reply, body) : reply,
      );
      const error = await failureOf(() => send(gcs, transport), `${way} after ${what}`);
      assert(error instanceof UploadError, `${what} was answered with ${error}`);
      assertEquals(error.code, "invalid_response", what);
      const queries = kinds(gcs).filter((kind) => kind === "status").length;
      assert(queries > 0, `${what}: the server was not asked`);
    }
  },
}));

/** One-request uploads of a few bytes. */
const SINGLE: typeof SESSIONS = {
  "a SimpleUpload": (_gcs, transport) =>
    new SimpleUpload(startUrl("media"), { retry: { clock: testClock() } })
      .transmit(transport, bytes, "a/b"),
  "a SimpleUpload that may be repeated": (_gcs, transport) =>
    new SimpleUpload(startUrl("media", "name=object&ifGenerationMatch=0"), {
      retry: { clock: testClock() },
    }).transmit(transport, bytes, "a/b"),
  "a SimpleUpload without a checksum": (_gcs, transport) =>
    new SimpleUpload(startUrl("media"), { checksum: null }).transmit(transport, bytes, "a/b"),
  "a MultipartUpload": (_gcs, transport) =>
    new MultipartUpload(startUrl("multipart"), { retry: { clock: testClock() } })
      .transmit(transport, bytes, {}, "a/b"),
  "a MultipartUpload without a checksum": (_gcs, transport) =>
    new MultipartUpload(startUrl("multipart"), { checksum: null })
      .transmit(transport, bytes, {}, "a/b"),
  "upload() to a media URL": (gcs, transport) =>
    store(gcs, bytes, { url: startUrl("media"), transport }),
  "upload() to a multipart URL": (gcs, transport) =>
    store(gcs, new Blob([bytes]), { url: startUrl("multipart"), transport }),
};

const single: PortableCase[] = Object.entries(SINGLE).map(([way, send]) => ({
  name: `${way}: a success that shows no object is an invalid response, and is not repeated`,
  async run() {
    for (const [what, body] of Object.entries(NO_OBJECTS)) {
      const gcs = new GcsEmulator();
      const transport = changing(gcs.fetch, (reply) => saying(reply, body));
      const error = await settled(
        assertRejects(send(gcs, transport), InvalidResponse),
        `${way} after ${what}`,
      );
      assertEquals(error.code, "invalid_response", what);
      assertEquals(gcs.requests.length, 1, `the requests after ${what}`);
    }
  },
}));

/** Uploads to a URL with `fields`, which says what the reply shows. */
const FIELDS: Readonly<
  Record<string, (gcs: GcsEmulator, fields: string, checksum?: unknown) => Promise<unknown>>
> = {
  "a SimpleUpload": (gcs, fields, checksum) =>
    new SimpleUpload(startUrl("media", `name=object&fields=${fields}`), {
      checksum: checksum as null,
    }).transmit(gcs.fetch, bytes, "a/b"),
  "a SimpleUpload of a Blob": (gcs, fields, checksum) =>
    new SimpleUpload(startUrl("media", `name=object&fields=${fields}`), {
      checksum: checksum as null,
    }).transmit(gcs.fetch, new Blob([bytes]), "a/b"),
  "upload() to a media URL": (gcs, fields, checksum) =>
    store(gcs, bytes, { url: startUrl("media", `name=object&fields=${fields}`), checksum }),
};

const fields: PortableCase[] = Object.entries(FIELDS).flatMap(([way, send]) => [
  {
    name: `${way}: damage on the way is an error whatever fields are asked for`,
    async run() {
      for (const asked of ["name", "name,size", "generation", "crc32c", "size,crc32c"]) {
        const gcs = new GcsEmulator();
        gcs.inject({ on: "media", corrupt: true });
        const error = await failureOf(() => send(gcs, asked), way);
        // A size alone does not show a changed byte: nothing that is asked for with `auto` says more.
        if (asked === "name,size") continue;
        assert(error instanceof UploadError, `fields=${asked} was answered with ${error}`);
        const expected = asked.includes("crc32c") ? "data_corruption" : "invalid_response";
        assertEquals(error.code, expected, asked);
      }
    },
  },
  {
    name: `${way}: where neither size nor checksum comes back, the default fails`,
    async run() {
      for (const asked of ["name", "generation", "name,bucket,etag", "md5"]) {
        for (const checksum of [undefined, "auto", "crc32c", "md5"]) {
          const gcs = new GcsEmulator();
          await settled(assertCode(send(gcs, asked, checksum), "invalid_response"), asked);
        }
      }
    },
  },
  {
    name: `${way}: where a size or a checksum comes back, or none is wanted, it is a success`,
    async run() {
      for (const asked of ["size", "name,size", "crc32c", "name,crc32c", "md5Hash,size"]) {
        const gcs = new GcsEmulator();
        await settled(send(gcs, asked), asked);
        assertStored(gcs, bytes);
      }
      for (const asked of ["name", "generation", "size"]) {
        const gcs = new GcsEmulator();
        await settled(send(gcs, asked, null), asked);
        assertStored(gcs, bytes);
      }
    },
  },
]);

/** Uploads whose checksum travels with them: the server compares, and need not report it. */
const CARRIED: Readonly<Record<string, (gcs: GcsEmulator) => Promise<unknown>>> = {
  "a MultipartUpload": (gcs) =>
    new MultipartUpload(startUrl("multipart", "name=object&fields=name"))
      .transmit(gcs.fetch, bytes, {}, "a/b"),
  "a session": (gcs) =>
    store(gcs, new Blob([bytes]), { url: startUrl("resumable", "name=object&fields=name") }),
  "a session of a stream": (gcs) =>
    store(gcs, streamOf(bytes, 50_000), { url: startUrl("resumable", "name=object&fields=name") }),
};

const carried: PortableCase[] = Object.entries(CARRIED).map(([way, send]) => ({
  name: `${way} with fields=name is compared by the server: right bytes pass, damaged ones do not`,
  async run() {
    const gcs = new GcsEmulator();
    await settled(send(gcs), way);
    assertStored(gcs, bytes);
    const damaged = new GcsEmulator();
    damaged.inject({ on: ["multipart", "final"], corrupt: true });
    await settled(assertCode(send(damaged), "data_corruption"), way);
    assertEquals(damaged.objects.length, 0);
  },
}));

/** Proofs. */
export const finishProof: PortableCase[] = [
  ...asked,
  ...stays,
  ...single,
  ...fields,
  ...carried,
  {
    name:
      "without retrying a success that shows no object is an invalid response, and recover() asks",
    async run() {
      for (const [what, body] of Object.entries(NO_OBJECTS)) {
        const gcs = new GcsEmulator();
        const upload = new ResumableUpload(startUrl("resumable"), CHUNK, { retry: null });
        await upload.initiate(gcs.fetch, bytes, {}, "a/b");
        await upload.transmitNextChunk(gcs.fetch);
        const transport = changing(gcs.fetch, (reply) => saying(reply, body));
        for (let calls = 0; !upload.invalid && calls < 3; calls++) {
          const changed = changing(
            gcs.fetch,
            (reply) => reply.status === 200 ? saying(reply, body) : reply,
          );
          await failureOf(() => upload.transmitNextChunk(changed));
        }
        assertEquals([upload.invalid, upload.finished], [true, false], what);
        await settled(assertCode(upload.recover(transport), "invalid_response"), what);
        await settled(upload.recover(gcs.fetch), what);
        assertEquals([upload.finished, upload.object?.size], [true, String(bytes.length)], what);
      }
    },
  },
  {
    name: "a status query's success that shows no object does not finish a resumed upload",
    async run() {
      for (const [what, body] of Object.entries(NO_OBJECTS)) {
        const gcs = new GcsEmulator();
        const before = new ResumableUpload(startUrl("resumable"), CHUNK);
        await before.initiate(gcs.fetch, bytes, {}, "a/b");
        await before.transmitNextChunk(gcs.fetch);
        const resumed = ResumableUpload.resume(storedCheckpoint(before), new Blob([bytes]), {
          retry: { clock: testClock() },
        });
        const transport = changing(
          gcs.fetch,
          () => saying(new Response(null), body),
        );
        const error = await failureOf(() => resumed.recover(transport), what);
        assert(error instanceof UploadError, `${what} was answered with ${error}`);
        assertEquals([error.code, resumed.finished], ["invalid_response", false], what);
        await settled(finish(resumed, gcs.fetch), what);
        assertStored(gcs, bytes);
      }
    },
  },
  {
    name: "an empty success finishes a session only where its headers show the object",
    async run() {
      const headers: Record<string, string>[] = [
        {},
        { "x-goog-stored-content-length": "12x" },
        { "x-goog-stored-content-length": "" },
        { etag: '"abc"' },
      ];
      for (const given of headers) {
        const gcs = new GcsEmulator();
        const transport = changing(
          gcs.fetch,
          (reply, init) =>
            init.method === "PUT" && reply.status === 200
              ? new Response(null, { headers: given })
              : reply,
        );
        const error = await failureOf(() => store(gcs, new Blob([bytes]), { transport }));
        const what = JSON.stringify(given);
        assert(error instanceof UploadError, `${what} was answered with ${error}`);
        assertEquals(error.code, "invalid_response", what);
      }
      const gcs = new GcsEmulator();
      const shown = { "x-goog-stored-content-length": String(bytes.length) };
      const transport = changing(
        gcs.fetch,
        (reply, init) =>
          init.method === "PUT" && reply.status === 200
            ? new Response(null, { headers: shown })
            : reply,
      );
      const object = await settled(store(gcs, new Blob([bytes]), { transport }), "upload()");
      assertEquals(object.size, String(bytes.length));
    },
  },
];
