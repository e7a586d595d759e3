// Credentials among the `headers` go to the request that starts an upload, and to nobody else.

import {
  MultipartUpload,
  ResumableUpload,
  SimpleUpload,
  upload,
  type UploadOptions,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { BYTES, fakeClock, type Handed, SESSIONS, watched, WAYS } from "./retry_support.ts";
import {
  assertStored,
  BUCKET,
  CHUNK,
  opened,
  pattern,
  startUrl,
  storedCheckpoint,
} from "./upload_support.ts";

const SECRET = ["authorization", "cookie", "proxy-authorization"] as const;
const OTHER = ["x-goog-encryption-algorithm", "x-custom"] as const;

const HEADERS = {
  Authorization: "Bearer T",
  Cookie: "a=1",
  "Proxy-Authorization": "Basic dTpw",
  "X-Goog-Encryption-Algorithm": "AES256",
  "X-Custom": "1",
};

/** Fails unless a request has these of the headers, and none of the others. */
function assertHas(request: Handed, names: readonly string[], what: string): void {
  const found = [...SECRET, ...OTHER].filter((name) => request.headers.has(name));
  assertEquals(found, names, `${what}: ${request.method}`);
}

const onSession = ({ url }: Handed) => new URL(url).searchParams.has("upload_id");

/** Headers and secrets. */
export const secretHeaders: PortableCase[] = [
  ...SESSIONS.map(({ what, run, bytes }): PortableCase => ({
    name: `${what}: credentials among the headers go to the start, and to no session request`,
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "initiate", status: 503 }, { on: "chunk", drop: "before" });
      gcs.inject({ on: "final", drop: "after" });
      const { transport, handed } = watched(gcs.fetch);
      await run(transport, { headers: HEADERS, retry: { clock: fakeClock() } });
      assertStored(gcs, bytes);
      assertEquals(handed.filter((request) => !onSession(request)).length, 2, "starts");
      assert(handed.some(({ asks }) => asks), "no question was asked");
      for (const request of handed) {
        if (onSession(request)) assertHas(request, OTHER, "a session request");
        else assertHas(request, [...SECRET, ...OTHER], "a start");
      }
    },
  })),
  ...WAYS.filter(({ isSession }) => !isSession).map(({ what, run, bytes }): PortableCase => ({
    name: `${what}: the one request has all the headers, however often it is sent`,
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ status: 503 });
      const { transport, handed } = watched(gcs.fetch);
      await run(transport, { headers: HEADERS, retry: { clock: fakeClock() } });
      assertStored(gcs, bytes);
      assertEquals(handed.length, 2, "requests");
      for (const request of handed) assertHas(request, [...SECRET, ...OTHER], "the request");
    },
  })),
  {
    name: "a session of another origin than the start's gets no credentials",
    async run() {
      const gcs = new GcsEmulator({ origin: "https://elsewhere.example" });
      const { transport, handed } = watched(gcs.fetch);
      const options: UploadOptions = { bucket: BUCKET, name: "object", chunkSize: CHUNK };
      await upload(BYTES, { ...options, transport, headers: HEADERS });
      const elsewhere = handed.filter(({ url }) => url.startsWith("https://elsewhere.example/"));
      assertEquals(elsewhere.length, handed.length - 1, "requests to the other origin");
      for (const request of elsewhere) assertHas(request, OTHER, "elsewhere");
    },
  },
  {
    name: "recover(), cancel() and an upload that is resumed send no credentials",
    async run() {
      const gcs = new GcsEmulator();
      const before = await opened(gcs.fetch, new Blob([BYTES]));
      await before.transmitNextChunk(gcs.fetch);
      const checkpoint = storedCheckpoint(before);
      const { transport, handed } = watched(gcs.fetch);
      const again = ResumableUpload.resume(checkpoint, new Blob([BYTES]), { headers: HEADERS });
      await again.recover(transport);
      await again.transmitNextChunk(transport);
      await again.recover(transport);
      await again.cancel(transport);
      assertEquals(handed.length, 4, "requests");
      for (const request of handed) assertHas(request, OTHER, "after resume()");
      const other = await opened(gcs.fetch, new Blob([BYTES]));
      await upload(new Blob([BYTES]), {
        checkpoint: storedCheckpoint(other),
        transport,
        headers: HEADERS,
      });
      for (const request of handed) assertHas(request, OTHER, "upload({ checkpoint })");
      assertStored(gcs, BYTES);
    },
  },
  {
    name: "headers may be given in each form that fetch takes",
    async run() {
      const forms = [HEADERS, new Headers(HEADERS), Object.entries(HEADERS) as [string, string][]];
      for (const headers of forms) {
        for (
          const send of [
            (transport: typeof fetch) =>
              new SimpleUpload(startUrl("media"), { headers })
                .transmit(transport as never, pattern(5), "a/b"),
            (transport: typeof fetch) =>
              new MultipartUpload(startUrl("multipart"), { headers })
                .transmit(transport as never, pattern(5), {}, "a/b"),
          ]
        ) {
          const { transport, handed } = watched(new GcsEmulator().fetch);
          await send(transport as typeof fetch);
          // A page's own Headers drop what a page may not set.
          const allowed = new Headers(headers);
          const expected = [...SECRET, ...OTHER].filter((name) => allowed.has(name));
          assertHas(handed[0], expected, "the request");
        }
      }
    },
  },
];
