// What a start URL may be: no session, and no other protocol than that of the class.

import {
  MultipartUpload,
  ResumableUpload,
  SimpleUpload,
  type Transport,
  uploadStream,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  counted,
  failureOf,
  notedIterable,
  settled,
  store,
  streamOptionsFor,
} from "./sources_support.ts";
import {
  assertStored,
  BUCKET,
  CHUNK,
  finish,
  pattern,
  startUrl,
  streamOf,
} from "./upload_support.ts";

const SECRET = "ABPnzm5secret";
const bytes = pattern(CHUNK + 5);

/** Every way to give a URL. Nothing may be sent by it. */
const WAYS: Readonly<Record<string, (transport: Transport, url: string) => Promise<unknown>>> = {
  "upload() of bytes": (transport, url) => store(new GcsEmulator(), bytes, { url, transport }),
  "upload() of a stream": (transport, url) =>
    store(new GcsEmulator(), streamOf(bytes, 50_000), { url, transport }),
  "upload() in one request": (transport, url) =>
    store(new GcsEmulator(), "x", { url, transport, ifGenerationMatch: 0 }),
  "upload() without retrying": (transport, url) =>
    store(new GcsEmulator(), "x", { url, transport, retry: null }),
  "upload() of a URL object": (transport, url) =>
    store(new GcsEmulator(), bytes, { url: new URL(url), transport }),
  "uploadStream()": async (transport, url) => {
    const { writable, result } = uploadStream(
      streamOptionsFor(new GcsEmulator(), { url, transport }),
    );
    const writer = writable.getWriter();
    writer.write(bytes).catch(() => {});
    writer.close().catch(() => {});
    await result;
  },
  "a ResumableUpload": async (transport, url) => {
    const upload = new ResumableUpload(url, CHUNK);
    await upload.initiate(transport, bytes, {}, "a/b");
    await finish(upload, transport);
  },
  "a SimpleUpload": (transport, url) => new SimpleUpload(url).transmit(transport, bytes, "a/b"),
  "a MultipartUpload": (transport, url) =>
    new MultipartUpload(url).transmit(transport, bytes, {}, "a/b"),
};

const API = `https://storage.googleapis.com/upload/storage/v1/b/${BUCKET}/o`;
const SESSIONS: readonly string[] = [
  `${API}?uploadType=resumable&name=object&upload_id=${SECRET}`,
  `${API}?upload_id=${SECRET}&uploadType=resumable`,
  `${API}?uploadType=media&upload_id=${SECRET}&name=object`,
  `${API}?uploadType=multipart&name=object&upload_id=${SECRET}`,
  `${API}?upload_id=${SECRET}`,
  `${API}?name=object&upload_id=${SECRET}#fragment`,
  `https://storage.googleapis.com/${BUCKET}/object?upload_id=${SECRET}`,
  `https://storage.googleapis.com/${BUCKET}/object?X-Goog-Signature=00ff&upload_id=${SECRET}`,
  `http://127.0.0.1:9/resumable/upload/storage/v1/b/${BUCKET}/o?upload_id=${SECRET}`,
];

const sessions: PortableCase[] = Object.entries(WAYS).map(([way, start]) => ({
  name: `${way}: a session URL is refused before any request, and is not in the message`,
  async run() {
    for (const url of SESSIONS) {
      const { transport, count } = counted(new GcsEmulator().fetch);
      const error = await failureOf(() => start(transport, url), way);
      const where = url.replace(SECRET, "…");
      assert(error instanceof TypeError, `${where} was answered with ${error}`);
      assert(!`${error.message}${error.stack}`.includes(SECRET), "the message holds the session");
      assert(/session/i.test(error.message), `the message does not say why: ${error.message}`);
      assertEquals(count(), 0, `the requests for ${where}`);
    }
  },
}));

/** The classes, and the uploadType of each; the others are not theirs. */
const TYPES: Readonly<Record<string, readonly [make: (url: string) => unknown, type: string]>> = {
  "a SimpleUpload": [(url) => new SimpleUpload(url), "media"],
  "a MultipartUpload": [(url) => new MultipartUpload(url), "multipart"],
  "a ResumableUpload": [(url) => new ResumableUpload(url, CHUNK), "resumable"],
};

const types: PortableCase[] = Object.entries(TYPES).map(([what, [make, own]]) => ({
  name: `${what} is refused a URL of another uploadType by its constructor`,
  run() {
    make(startUrl(own as "media"));
    for (const type of ["media", "multipart", "resumable", "Resumable", "other", ""]) {
      if (type === own) continue;
      for (
        const url of [
          `${API}?uploadType=${type}&name=object`,
          `${API}?name=object&uploadType=${type}`,
          `${API}?name=uploadType%3D${own}&uploadType=${type}`,
          `${API}?name=object&uploadType=${type}#uploadType=${own}`,
        ]
      ) {
        let error: unknown;
        try {
          make(url);
        } catch (thrown) {
          error = thrown;
        }
        // A type that nobody has is out of bounds; the type of another class is a mistake about the class.
        const expected = error instanceof TypeError || error instanceof RangeError;
        assert(expected, `${url} was answered with ${error}`);
        const isKnown = ["media", "multipart", "resumable"].includes(type);
        assert(!isKnown || error instanceof TypeError, `${url} threw ${error}`);
        assert((error as Error).message.includes(own), `no word on ${own}: ${error}`);
      }
    }
  },
}));

/** What a URL may say without being a session, or another protocol. */
const INNOCENT: readonly string[] = [
  `${API}?uploadType=resumable&name=upload_id`,
  `${API}?uploadType=resumable&name=upload_id%3D5`,
  `${API}?uploadType=resumable&name=a%26upload_id%3D5%26uploadType%3Dmedia`,
  `${API}?uploadType=resumable&name=a&quotaUser=my_upload_id`,
  `${API}?uploadType=resumable&name=a&x_upload_id=5`,
  `${API}?uploadType=resumable&name=a#upload_id=5`,
];

/** Start URLs. */
export const finishStartUrl: PortableCase[] = [
  ...sessions,
  ...types,
  {
    name: "a session URL is one however its parameter is encoded",
    async run() {
      for (const [way, start] of Object.entries(WAYS)) {
        const { transport, count } = counted(new GcsEmulator().fetch);
        const url = `${API}?name=object&upload%5Fid=${SECRET}`;
        const error = await failureOf(() => start(transport, url), way);
        assert(error instanceof TypeError, `${way} was answered with ${error}`);
        assertEquals(count(), 0, way);
      }
    },
  },
  {
    name: "a session URL that is refused lets go of the source",
    async run() {
      const gcs = new GcsEmulator();
      const { source, log } = notedIterable({ bytes });
      const error = await failureOf(() => store(gcs, source, { url: SESSIONS[0] }));
      assert(error instanceof TypeError, `rejected with ${error}`);
      assertEquals(log.released.length, 1);
    },
  },
  {
    name: "a session that is open is still open, and unharmed, after its URL was refused",
    async run() {
      const gcs = new GcsEmulator();
      const upload = new ResumableUpload(startUrl("resumable"), CHUNK);
      await upload.initiate(gcs.fetch, bytes, {}, "a/b");
      for (const start of Object.values(WAYS)) {
        await failureOf(() => start(gcs.fetch, upload.resumableUrl!));
      }
      assertEquals([gcs.objects.length, gcs.sessions[0].phase], [0, "open"]);
      await settled(finish(upload, gcs.fetch), "the upload");
      assertStored(gcs, bytes);
    },
  },
  {
    name: "names and other parameters that only look like a session are none",
    async run() {
      for (const url of INNOCENT) {
        const gcs = new GcsEmulator();
        await settled(store(gcs, bytes, { url }), url);
        const name = new URL(url).searchParams.get("name")!;
        assertStored(gcs, bytes, name);
      }
      const gcs = new GcsEmulator();
      const name = "a?upload_id=5&uploadType=media#b";
      await settled(store(gcs, bytes, { name }), "upload()");
      assertStored(gcs, bytes, name);
    },
  },
  {
    name: "upload() of data obeys the uploadType of its URL, and refuses one that nobody has",
    async run() {
      for (const type of ["media", "multipart", "resumable"] as const) {
        const gcs = new GcsEmulator();
        await settled(store(gcs, "hello", { url: startUrl(type) }), type);
        assertStored(gcs, new TextEncoder().encode("hello"));
      }
      const { transport, count } = counted(new GcsEmulator().fetch);
      const url = `${API}?uploadType=other&name=object`;
      const error = await failureOf(() => store(new GcsEmulator(), "x", { url, transport }));
      assert(error instanceof TypeError || error instanceof RangeError, `rejected with ${error}`);
      assertEquals(count(), 0);
    },
  },
  {
    name:
      "what cannot be sent in one request is refused for the URL of one, before anything is sent",
    async run() {
      for (const type of ["media", "multipart"] as const) {
        for (const source of [streamOf(bytes, 50_000), { read: () => Promise.resolve(bytes) }]) {
          const { transport, count } = counted(new GcsEmulator().fetch);
          const options = { url: startUrl(type), transport };
          const error = await failureOf(() => store(new GcsEmulator(), source, options));
          assert(error instanceof TypeError, `rejected with ${error}`);
          assertEquals(count(), 0);
        }
      }
    },
  },
];
