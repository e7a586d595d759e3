// Each API that the emulator has, with each wire protocol it speaks, each kind of source, and its resource.

import {
  type DriveFile,
  driveFile,
  geminiFile,
  json,
  type Resource,
  type StartMethod,
  storageObject,
  text,
  upload,
  type UploadProtocol,
  type UploadSource,
  xGoogUpload,
} from "../../../mod.ts";
import { contentRangeProtocol } from "../../../src/protocol/content_range/mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  assertUploaded,
  DRIVE,
  FIREBASE,
  GEMINI,
  PHOTOS,
  PROTOCOLS,
  quick,
  YOUTUBE,
} from "./api_support.ts";
import { assertBytes, assertCode, BUCKET, CHUNK, pattern, pieces } from "./upload_support.ts";

const BYTES = pattern(2 * CHUNK + 77);

/** Sources that can be read anywhere, and those that are read once. */
const SOURCES: readonly (() => UploadSource)[] = [
  () => new Blob([BYTES]),
  () => BYTES,
  () => pieces(BYTES, 61_003),
];

/** An API's method. */
interface Api {
  readonly what: string;
  readonly url: string;
  readonly method?: StartMethod;
  readonly protocols: readonly UploadProtocol[];
  readonly resource?: Resource<unknown>;
  readonly metadata?: Record<string, unknown>;
  /** What is expected of the result. */
  check(result: unknown): void;
}

const has = (...fields: string[]) => (result: unknown) => {
  const shown = result as Record<string, unknown>;
  for (const field of fields) assert(shown[field] !== undefined, `the result has ${field}`);
};

const APIS: readonly Api[] = [
  {
    what: "Cloud Storage",
    url: `https://storage.googleapis.com/upload/storage/v1/b/${BUCKET}/o?name=object`,
    protocols: PROTOCOLS,
    check: has("name", "size", "crc32c", "generation"),
  },
  {
    what: "Drive files.create",
    url: `${DRIVE}?fields=id,size,md5Checksum,sha256Checksum`,
    protocols: PROTOCOLS,
    resource: driveFile,
    metadata: { name: "a.bin" },
    check: has("id", "size", "md5Checksum"),
  },
  {
    what: "Drive files.create, whatever it answers",
    url: DRIVE,
    protocols: PROTOCOLS,
    check: has("id", "kind"),
  },
  {
    what: "Gemini Files",
    url: `${GEMINI}?key=k`,
    protocols: PROTOCOLS,
    resource: geminiFile,
    metadata: { file: { displayName: "a" } },
    check: has("file"),
  },
  {
    what: "YouTube videos.insert",
    url: `${YOUTUBE}/videos?part=snippet`,
    protocols: PROTOCOLS,
    resource: json<{ kind: string }>(),
    metadata: { snippet: { title: "a" } },
    check: (result) => assertEquals((result as { kind: string }).kind, "youtube#video"),
  },
  {
    what: "YouTube captions.update",
    url: `${YOUTUBE}/captions?part=id`,
    method: "PUT",
    protocols: PROTOCOLS,
    check: has("kind"),
  },
  {
    what: "YouTube thumbnails.set",
    url: `${YOUTUBE}/thumbnails/set?videoId=v`,
    protocols: PROTOCOLS,
    check: has("items"),
  },
  {
    what: "YouTube watermarks.set, which answers with nothing",
    url: `${YOUTUBE}/watermarks/set?channelId=c`,
    protocols: PROTOCOLS,
    check: (result) => assertEquals(result, null),
  },
  {
    what: "Photos",
    url: PHOTOS,
    protocols: [xGoogUpload],
    resource: text,
    check: (result) => assert(typeof result === "string" && result !== "", "a token"),
  },
  {
    what: "Firebase Storage",
    url: `${FIREBASE}?name=dir%2Fa.bin`,
    protocols: [xGoogUpload],
    resource: storageObject,
    check: has("name", "size", "crc32c", "downloadTokens"),
  },
];

/** The bytes that an API has got. */
function stored(gcs: GcsEmulator): Uint8Array | undefined {
  return gcs.uploads[0]?.bytes ?? gcs.objects[0]?.bytes;
}

const targets = APIS.flatMap(({ what, protocols, check, ...target }) =>
  protocols.map((protocol): PortableCase => ({
    name: `api: ${what}, ${protocol.name}: every byte, its result, no checksum where none is taken`,
    async run() {
      for (const source of SOURCES) {
        const gcs = new GcsEmulator();
        const options = { ...quick<unknown>(gcs), ...target, protocol };
        check(await upload<unknown>(source(), options));
        assertBytes(stored(gcs), BYTES, what);
        const hashes = gcs.requests.map(({ headers }) => headers["x-goog-hash"]).filter(Boolean);
        assertEquals(
          hashes.length,
          what === "Cloud Storage" || what === "Firebase Storage" ? 1 : 0,
        );
        assertEquals(gcs.requests.filter(({ status }) => (status ?? 500) >= 400), []);
      }
    },
  }))
);

const finished = APIS.flatMap(({ what, protocols, check, ...target }) =>
  protocols.map((protocol): PortableCase => ({
    name: `api: ${what}, ${protocol.name}: the final reply is lost, the result is not`,
    async run() {
      if (what.includes("which answers with nothing")) {
        return await answersNothing(target, protocol);
      }
      for (const source of SOURCES) {
        const gcs = new GcsEmulator();
        gcs.inject({ on: "final", drop: "after" });
        check(await upload<unknown>(source(), { ...quick<unknown>(gcs), ...target, protocol }));
        assertBytes(stored(gcs), BYTES, what);
      }
    },
  }))
);

/** A lost reply of an API without a result: the query says as little, which is enough. */
async function answersNothing(
  target: Pick<Api, "url" | "method">,
  protocol: UploadProtocol,
): Promise<void> {
  const gcs = new GcsEmulator();
  gcs.inject({ on: "final", drop: "after" });
  const options = { ...quick<unknown>(gcs), ...target, protocol };
  assertEquals(await upload<unknown>(new Blob([BYTES]), options), null);
  assertUploaded(gcs, BYTES);
}

/** The cases. */
export const apiTargets: PortableCase[] = [
  ...targets,
  ...finished,
  ...PROTOCOLS.map((protocol): PortableCase => ({
    name: `api: Drive files.update, ${protocol.name}: PATCH replaces the bytes of the same file`,
    async run() {
      const gcs = new GcsEmulator();
      const options = { ...quick<DriveFile>(gcs), protocol, resource: driveFile };
      const fields = "fields=id,size,md5Checksum";
      const { id } = await upload("before", { ...options, url: `${DRIVE}?${fields}` });
      const url = `${DRIVE}/${id}?${fields}`;
      const file = await upload(new Blob([BYTES]), { ...options, url, method: "PATCH" });
      assertEquals([file.id, file.size], [id, String(BYTES.length)]);
      const read = await gcs.fetch(`https://www.googleapis.com/drive/v3/files/${id}?alt=media`);
      assertBytes(new Uint8Array(await read.arrayBuffer()), BYTES, "the file");
    },
  })),
  ...PROTOCOLS.map((protocol): PortableCase => ({
    name:
      `api: Drive, ${protocol.name}: damaged bytes are data_corruption, from every kind of source`,
    async run() {
      for (const source of SOURCES) {
        const gcs = new GcsEmulator();
        gcs.inject({ on: "chunk", skip: 1, corrupt: true });
        const url = `${DRIVE}?fields=md5Checksum`;
        const options = { ...quick<DriveFile>(gcs), url, protocol, resource: driveFile };
        await assertCode(upload(source(), options), "data_corruption");
      }
    },
  })),
  {
    name: "api: a checkpoint is taken up with the resource of its API",
    async run() {
      for (const protocol of [contentRangeProtocol, xGoogUpload]) {
        const gcs = new GcsEmulator();
        const options = { ...quick<DriveFile>(gcs), protocol, resource: driveFile };
        let saved = "";
        const enough = new Error("enough");
        const stopped = upload(new Blob([BYTES]), {
          ...options,
          url: `${DRIVE}?fields=id,size,md5Checksum`,
          onCheckpoint(now) {
            saved = JSON.stringify(now);
            if (now.persisted > 0) throw enough;
          },
        });
        assertEquals(await stopped.catch((error) => error === enough), true);
        const file = await upload(pieces(BYTES, 9_999), {
          ...options,
          checkpoint: JSON.parse(saved),
        });
        assertEquals(file.size, String(BYTES.length));
        assertUploaded(gcs, BYTES);
      }
    },
  },
];
