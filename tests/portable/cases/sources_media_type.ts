// The media type of an object, where nobody has set one: what comes from a Blob is cleaned, never an error.

import { ResumableUpload, type UploadSource, uploadStream } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { settled, store, streamOptionsFor } from "./sources_support.ts";
import { BUCKET, CHUNK, pattern, startUrl } from "./upload_support.ts";

/** What a Blob says, and what its object is. */
const TYPES: readonly [type: string, expected: string][] = [
  ["", "application/octet-stream"],
  ["image/png", "image/png"],
  ["text/plain;charset=utf-8", "text/plain;charset=utf-8"],
  ["video/webm;codecs=vp8,opus", "video/webm"],
  ["audio/webm;codecs=opus,", "audio/webm"],
  ["video/mp4;codecs=avc1.42e01e,mp4a.40.2", "video/mp4"],
  ['video/webm;codecs="vp8,opus"', 'video/webm;codecs="vp8,opus"'],
  ["foo", "application/octet-stream"],
  ["foo/", "application/octet-stream"],
  ["/foo", "application/octet-stream"],
  ["image/png, image/jpeg", "application/octet-stream"],
  ["a b/c", "application/octet-stream"],
  ["text/plain;charset", "text/plain"],
  ["text/plain; =x", "text/plain"],
  [`text/plain;name=${"y".repeat(300)}`, "text/plain"],
  [`text/${"y".repeat(300)}`, "application/octet-stream"],
];

/** Every way to a new object, from a Blob. */
const WAYS: Readonly<
  Record<string, (gcs: GcsEmulator, blob: UploadSource, extra?: object) => Promise<unknown>>
> = {
  "by a session": (gcs, blob, extra) => store(gcs, blob, { ...extra }),
  "in one request": (gcs, blob, extra) =>
    store(gcs, blob, { ifGenerationMatch: 0, chunkSize: 8 * CHUNK, ...extra }),
  "in one request without metadata": (gcs, blob, extra) =>
    store(gcs, blob, { ifGenerationMatch: 0, chunkSize: 8 * CHUNK, checksum: null, ...extra }),
  "to a media URL": (gcs, blob, extra) => store(gcs, blob, { url: startUrl("media"), ...extra }),
};

/** Media types. */
export const sourcesMediaType: PortableCase[] = [
  ...Object.entries(WAYS).map(([way, send]): PortableCase => ({
    name: `the type of a Blob that is sent ${way} is cleaned, never an error`,
    async run() {
      for (const [type, expected] of TYPES) {
        const content = pattern(1_000);
        for (const blob of [new Blob([content], { type }), new File([content], "f", { type })]) {
          const gcs = new GcsEmulator();
          await settled(send(gcs, blob), type);
          const { type: own } = blob; // a runtime may have cleaned it, or put it in lower case
          const clean = own === type ? expected : TYPES.find(([t]) => t === own)?.[1] ?? own;
          assertEquals(gcs.get(BUCKET, "object")?.contentType, clean, JSON.stringify(type));
        }
      }
    },
  })),
  ...Object.entries(WAYS).map(([way, send]): PortableCase => ({
    name: `an empty contentType is as if it were not given (${way})`,
    async run() {
      const typeOf = async (source: UploadSource) => {
        const gcs = new GcsEmulator();
        await settled(send(gcs, source, { contentType: "" }), way);
        return gcs.get(BUCKET, "object")?.contentType;
      };
      assertEquals(await typeOf(new Blob(["x"], { type: "image/png" })), "image/png", "a Blob");
      assertEquals(await typeOf(new Blob(["x"])), "application/octet-stream", "a bare Blob");
      assertEquals(await typeOf("x"), "text/plain;charset=UTF-8", "a string");
      assertEquals(await typeOf(pattern(5)), "application/octet-stream", "bytes");
    },
  })),
  {
    name: "an empty contentType of a stream and of uploadStream() is as if it were not given",
    async run() {
      const gcs = new GcsEmulator();
      await settled(store(gcs, new Blob(["x"]).stream(), { contentType: "" }), "upload()");
      assertEquals(gcs.get(BUCKET, "object")?.contentType, "application/octet-stream");
      const { writable, result } = uploadStream(
        streamOptionsFor(gcs, { contentType: "", name: "written" }),
      );
      await settled(new Blob(["x"]).stream().pipeTo(writable), "the pipe");
      await settled(result, "the result");
      assertEquals(gcs.get(BUCKET, "written")?.contentType, "application/octet-stream");
    },
  },
  {
    name: "the type in the metadata wins over that of a Blob which is not clean",
    async run() {
      const gcs = new GcsEmulator();
      const blob = new Blob(["x"], { type: "foo" });
      await settled(store(gcs, blob, { metadata: { contentType: "image/png" } }), "upload()");
      assertEquals(gcs.get(BUCKET, "object")?.contentType, "image/png");
    },
  },
  {
    name: "a Blob's type that was cleaned is what a checkpoint goes on with",
    async run() {
      const gcs = new GcsEmulator();
      const bytes = pattern(2 * CHUNK + 1);
      const blob = new Blob([bytes], { type: "video/webm;codecs=vp8,opus" });
      let types: string[] = [];
      await store(gcs, blob, {
        onCheckpoint: ({ contentType }) => void (types = [...types, contentType]),
      });
      assert(types.length > 0 && types.every((type) => type === "video/webm"), types.join());
    },
  },
  {
    name: "a contentType that the caller sets has to be clean, and is refused at the call",
    async run() {
      for (const contentType of ["foo", "video/webm;codecs=vp8,opus", "a/b\r\nx: y", " ", 5]) {
        const gcs = new GcsEmulator();
        await settled(
          assertRejects(store(gcs, new Blob(["x"]), { contentType }), TypeError),
          "upload()",
        );
        const resumable = new ResumableUpload(startUrl("resumable"), CHUNK);
        await settled(
          assertRejects(
            resumable.initiate(gcs.fetch, new Blob(["x"]), {}, contentType as string),
            TypeError,
          ),
          "initiate()",
        );
        assertEquals(gcs.requests.length, 0);
      }
    },
  },
];
