// Lines that must not compile: a directive above each is an error itself when the line does.

import {
  type Checkpoint,
  type ObjectMetadata,
  type RetryOptions,
  upload,
  uploadStream,
} from "../../mod.ts";
import { uploadMany } from "../../src/parallel/mod.ts";

const bytes = new Uint8Array(1);
const to = { bucket: "my-bucket", name: "a.txt" };
const url = "https://a.example/";

// @ts-expect-error: it has to go somewhere
upload(bytes, {});
// @ts-expect-error: many files need a bucket
uploadMany([{ name: "a", source: "a" }], {});
// @ts-expect-error: each file needs a name
uploadMany([{ source: "a" }], { bucket: "my-bucket" });
// @ts-expect-error: each file needs a source
uploadMany([{ name: "a" }], { bucket: "my-bucket" });
// @ts-expect-error: one file is not many
uploadMany({ name: "a", source: "a" }, { bucket: "my-bucket" });
// @ts-expect-error: an option of a single upload
uploadMany([], { bucket: "my-bucket", onCheckpoint() {} });
// @ts-expect-error: each file has a name of its own
uploadMany([], { bucket: "my-bucket", name: "a" });
// @ts-expect-error: a bucket is not enough
upload(bytes, { bucket: "my-bucket" });
// @ts-expect-error: a name is not enough
upload(bytes, { name: "a.txt" });
// @ts-expect-error: two places to go
upload(bytes, { bucket: "my-bucket", name: "a.txt", url });
// @ts-expect-error: a name beside a URL is two places, too
upload(bytes, { name: "a.txt", url });
// @ts-expect-error: options are not optional
upload(bytes);
// @ts-expect-error: a stream has to go somewhere, too
uploadStream({});
// @ts-expect-error: two places to go
uploadStream({ bucket: "my-bucket", name: "a.txt", url });
// @ts-expect-error: an option that does not exist
upload(bytes, { ...to, onprogress() {} });
// @ts-expect-error: an option of retry that does not exist
upload(bytes, { ...to, retry: { retries: 3 } });
// @ts-expect-error: true says nothing about how
upload(bytes, { ...to, retry: true });
// @ts-expect-error: a number is no source
upload(1, to);
// @ts-expect-error: an array of numbers is no source
upload([1, 2, 3], to);
// @ts-expect-error: cacheControl is a text
upload(bytes, { ...to, metadata: { cacheControl: 1 } });
// @ts-expect-error: a checksum that does not exist
upload(bytes, { ...to, checksum: "sha1" });
// @ts-expect-error: a key is a text
upload(bytes, { ...to, checkpoints: new Map<string, Checkpoint>(), key: 7 });
// @ts-expect-error: a store of something else
upload(bytes, { ...to, checkpoints: new Map<string, number>(), key: "a" });
// @ts-expect-error: a store has three methods
upload(bytes, { ...to, checkpoints: { get: () => undefined }, key: "a" });
// @ts-expect-error: a stream is written once, and keeps nothing
uploadStream({ ...to, checkpoints: new Map<string, Checkpoint>(), key: "a" });

/** Fields of the wrong kind. */
export const wrong: ObjectMetadata[] = [
  // @ts-expect-error: contentType is a text
  { contentType: 1 },
  // @ts-expect-error: custom metadata is text
  { metadata: { a: 1 } },
  // @ts-expect-error: a hold is true or false
  { temporaryHold: "yes" },
];

/** Callbacks of the wrong kind. */
export const retry: RetryOptions[] = [
  // @ts-expect-error: shouldRetry answers
  { shouldRetry: () => "yes" },
  // @ts-expect-error: onRetry is not told so
  { onRetry: ({ wait }) => console.log(wait) },
];
