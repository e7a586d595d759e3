// A session that one program opens and another one uploads to, without credentials, in every runtime.

import {
  cancelUpload,
  type Checkpoint,
  createUploadSession,
  ResumableUpload,
  type Transport,
  upload,
  type UploadProtocol,
  uploadToSession,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { base, PROTOCOLS } from "./api_support.ts";
import {
  assertCode,
  assertStored,
  BUCKET,
  CHUNK,
  kinds,
  pattern,
  pieces,
  testClock,
} from "./upload_support.ts";

const BYTES = pattern(3 * CHUNK + 5);
const CREDENTIALS = { authorization: "Bearer ya29.token", "x-goog-api-key": "key" };

/** A server with credentials, which the emulator asks for at starts. */
function server(protocol: UploadProtocol): { gcs: GcsEmulator; open: () => Promise<string> } {
  const gcs = new GcsEmulator({ authorize: ({ headers }) => headers.has("authorization") });
  const open = async () => {
    const { url } = await createUploadSession({
      bucket: BUCKET,
      name: "object",
      contentType: "image/png",
      metadata: { metadata: { user: "17" } },
      protocol,
      headers: CREDENTIALS,
      transport: gcs.fetch,
    });
    return url;
  };
  return { gcs, open };
}

/** Fails unless the object is what the server decided, and no session request had credentials. */
function assertHandedOver(gcs: GcsEmulator): void {
  assertStored(gcs, BYTES);
  const [object] = gcs.objects;
  assertEquals([object.resource.contentType, object.metadata], ["image/png", { user: "17" }]);
  for (const { kind, headers } of gcs.requests) {
    if (kind === "initiate") continue;
    for (const name of Object.keys(CREDENTIALS)) {
      assertEquals(headers[name], undefined, `${kind}: ${name}`);
    }
    assertEquals(headers["x-upload-content-type"], undefined);
  }
}

const each = PROTOCOLS.flatMap((protocol): PortableCase[] => [
  {
    name: `handoff: ${protocol.name}: a session goes from one program to another`,
    async run() {
      for (const source of [() => new Blob([BYTES]), () => BYTES, () => pieces(BYTES, 70_007)]) {
        const { gcs, open } = server(protocol);
        const options = { ...base(gcs), protocol, session: await open() };
        const object = await upload(source(), { ...options, headers: CREDENTIALS });
        assertEquals([object.name, object.size], ["object", String(BYTES.length)]);
        assertEquals(kinds(gcs), ["initiate", "status", "chunk", "chunk", "chunk", "final"]);
        assertHandedOver(gcs);
      }
    },
  },
  {
    name:
      `handoff: ${protocol.name}: uploadToSession() does what upload() does, request by request`,
    async run() {
      for (const source of [() => new Blob([BYTES]), () => pieces(BYTES, 70_007)]) {
        const { gcs, open } = server(protocol);
        const seen: number[] = [];
        const object = await uploadToSession(source(), open, {
          ...base(gcs),
          protocol,
          onProgress: ({ persisted }) => seen.push(persisted),
        });
        assertEquals([object.name, object.size], ["object", String(BYTES.length)]);
        assertEquals(kinds(gcs), ["initiate", "status", "chunk", "chunk", "chunk", "final"]);
        assertEquals(seen.at(-1), BYTES.length);
        assertHandedOver(gcs);
      }
    },
  },
  {
    name: `handoff: ${protocol.name}: uploadToSession() goes on by its key`,
    async run() {
      const { gcs, open } = server(protocol);
      const checkpoints = new Map<string, Checkpoint>();
      const stop = new AbortController();
      const options = { ...base(gcs), protocol, checkpoints, key: "photo" };
      const first = uploadToSession(new Blob([BYTES]), open, {
        ...options,
        signal: stop.signal,
        onCheckpoint({ persisted }) {
          if (persisted === 2 * CHUNK) stop.abort(new Error("The tab was closed"));
        },
      });
      await assertRejects(first, Error);
      assertEquals(checkpoints.get("photo")?.persisted, 2 * CHUNK);
      const object = await uploadToSession(new Blob([BYTES]), open, options);
      assertEquals([object.size, gcs.sessions.length], [String(BYTES.length), 1]);
      assertEquals(checkpoints.size, 0);
      assertHandedOver(gcs);
    },
  },
  {
    name:
      `handoff: ${protocol.name}: a function fetches a session, and another one when that is gone`,
    async run() {
      for (const kind of ["status", "chunk", "final"] as const) {
        const { gcs, open } = server(protocol);
        let calls = 0;
        const session = () => {
          calls++;
          return open();
        };
        gcs.inject({ on: kind, expire: 410 });
        await upload(new Blob([BYTES]), { ...base(gcs), protocol, session });
        assertEquals([calls, gcs.sessions.length], [2, 2], kind);
        assertHandedOver(gcs);
      }
    },
  },
  {
    name: `handoff: ${protocol.name}: what a function throws is what the upload throws`,
    async run() {
      const gcs = new GcsEmulator();
      const refused = new Error("Sign in first");
      const session = () => Promise.reject(refused);
      const options = { ...base(gcs), protocol, session };
      const thrown = await assertRejects(upload(BYTES, options), Error);
      assert(thrown === refused, `${thrown}`);
      assertEquals(gcs.requests, []);
    },
  },
  {
    name: `handoff: ${protocol.name}: aborted while a session is fetched, it stops at once`,
    async run() {
      const gcs = new GcsEmulator();
      const stop = new AbortController();
      const session = () => {
        stop.abort(new Error("The user has left"));
        return new Promise<string>(() => {});
      };
      const options = { ...base(gcs), protocol, session, signal: stop.signal };
      const thrown = await assertRejects(upload(BYTES, options), Error);
      assertEquals([thrown.message, gcs.requests.length], ["The user has left", 0]);
    },
  },
  {
    name: `handoff: ${protocol.name}: aborted and reloaded, it goes on where it stood`,
    async run() {
      const { gcs, open } = server(protocol);
      const stop = new AbortController();
      const storage = new Map<string, string>();
      const options = { ...base(gcs), protocol };
      const first = upload(new Blob([BYTES]), {
        ...options,
        session: await open(),
        signal: stop.signal,
        onCheckpoint(checkpoint) {
          storage.set("upload", JSON.stringify(checkpoint));
          if (checkpoint.persisted === 2 * CHUNK) stop.abort(new Error("The tab was closed"));
        },
      });
      await assertRejects(first, Error);
      const checkpoint: Checkpoint = JSON.parse(storage.get("upload") ?? "null");
      const seen: number[] = [];
      await upload(new Blob([BYTES]), {
        ...options,
        checkpoint,
        onProgress: ({ persisted }) => void seen.push(persisted),
      });
      assertHandedOver(gcs);
      assertEquals([Math.min(...seen), seen.at(-1), gcs.sessions.length], [
        2 * CHUNK,
        BYTES.length,
        1,
      ]);
    },
  },
  {
    name: `handoff: ${protocol.name}: attached to, step by step, over failures`,
    async run() {
      const { gcs, open } = server(protocol);
      gcs.inject({ on: "chunk", drop: "after" }, { on: "final", drop: "after" });
      const attached = ResumableUpload.attach(await open(), new Blob([BYTES]), {
        protocol,
        chunkSize: CHUNK,
        isNew: true,
        headers: CREDENTIALS,
        retry: { clock: testClock() },
      });
      while (!attached.finished) await attached.transmitNextChunk(gcs.fetch);
      assertEquals(attached.object?.size, String(BYTES.length));
      assertHandedOver(gcs);
    },
  },
  {
    name: `handoff: ${protocol.name}: two programs on one session store the object once`,
    async run() {
      const { gcs, open } = server(protocol);
      const session = await open();
      const options = { ...base(gcs), protocol, session };
      let steps = 0;
      const half: Transport = (input, init) => {
        if (++steps > 3) return Promise.reject(new TypeError("The battery is empty"));
        return gcs.fetch(input, init);
      };
      const first = upload(new Blob([BYTES]), { ...options, transport: half, retry: null });
      await assertCode(first, "transport_failed");
      await upload(new Blob([BYTES]), options);
      await upload(new Blob([BYTES]), options);
      assertHandedOver(gcs);
      assertEquals(gcs.objects.length, 1);
    },
  },
  {
    name: `handoff: ${protocol.name}: given up by its checkpoint or its URL`,
    async run() {
      for (const byUrl of [true, false]) {
        const { gcs, open } = server(protocol);
        const url = await open();
        const attached = ResumableUpload.attach(url, BYTES, { protocol, chunkSize: CHUNK });
        await attached.transmitNextChunk(gcs.fetch);
        const session = byUrl ? url : attached.checkpoint();
        await cancelUpload(session, { protocol, transport: gcs.fetch, headers: CREDENTIALS });
        assertEquals(gcs.sessions.map(({ phase }) => phase), ["cancelled"]);
        assertEquals(gcs.requests.at(-1)?.headers.authorization, undefined);
        const again = { ...base(gcs), protocol, session: url };
        await assertCode(upload(BYTES, again), "session_cancelled");
      }
    },
  },
]);

/** The cases. */
export const handoffSessions: PortableCase[] = each;
