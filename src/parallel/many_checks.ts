/** The arguments of uploadMany, checked before anything is asked for or sent. */

import { typeInWords } from "../errors.ts";
import {
  checkChunkSize,
  checkContentType,
  checkOptions,
  checkTransport,
  checkUpload,
} from "../upload/check_arguments.ts";
import { type CheckpointStore, keepsCheckpoints } from "../upload/kept_checkpoints.ts";
import { startOf } from "../upload/target.ts";
import type { UploadManyItem } from "./item.ts";
import { checkManifest } from "./manifest.ts";
import { COMMON_NAMES, OWN_NAMES, type UploadManyOptions } from "./many_options.ts";

/** Something to take items from. */
export function checkFiles(files: unknown): void {
  const isIterable = typeof files === "object" && files !== null &&
    (Symbol.iterator in files || Symbol.asyncIterator in files);
  if (isIterable) return;
  throw new TypeError(
    `files: expected an iterable of items { source, name }, got ${typeInWords(files)}`,
  );
}

/** Options that every upload of the run can have. */
export function checkManyOptions<I extends UploadManyItem>(options: UploadManyOptions<I>): void {
  checkOptions(options, [...OWN_NAMES, ...COMMON_NAMES], "uploadMany");
  checkNumber(options.concurrency, "concurrency", Number.isSafeInteger, "a whole number");
  checkNumber(options.memoryLimit, "memoryLimit", (value) => value > 0, "a number of bytes");
  checkSwitch(options.skipExisting, "skipExisting");
  checkSwitch(options.stopOnError, "stopOnError");
  checkManifest(options.manifest);
  const { checkpoints, onCheckpointError, onResume } = options;
  const resumed = onResume && (() => {});
  keepsCheckpoints({
    checkpoints: checkpoints as CheckpointStore | undefined,
    onCheckpointError,
    onResume: resumed,
    key: checkpoints && "key",
  });
  checkCommon(options);
}

/** What is the same for every file, with a name that stands for all. */
function checkCommon<I extends UploadManyItem>(options: UploadManyOptions<I>): void {
  const { bucket, endpoint, query, contentType, chunkSize, transport, ifGenerationMatch } = options;
  if (typeof bucket !== "string") {
    throw new TypeError(`bucket: expected the name of a bucket, got ${typeof bucket}`);
  }
  if (
    options.skipExisting && ifGenerationMatch !== undefined && String(ifGenerationMatch) !== "0"
  ) {
    throw new TypeError("ifGenerationMatch: expected none, or 0, together with skipExisting");
  }
  if (options.metadata?.name !== undefined) {
    throw new TypeError("metadata.name: expected none, since each item has a name");
  }
  const { url, headers } = startOf({ bucket, name: "name", endpoint, query }, options);
  const { checksum, retry, repeatable, startHeaders } = options;
  checkUpload(url, { checksum, retry, repeatable, startHeaders, headers });
  if (chunkSize !== undefined) checkChunkSize(chunkSize);
  if (contentType !== undefined) checkContentType(contentType);
  if (transport !== undefined) checkTransport(transport);
  if (options.large !== undefined) checkLarge(options);
}

/** What uploads in parts have to be able to do, too. */
function checkLarge<I extends UploadManyItem>(options: UploadManyOptions<I>): void {
  const { startHeaders, checksum = "auto", large } = options;
  if (typeof large !== "object" || typeof large?.upload !== "function") {
    throw new TypeError(
      `large: expected what inParts() returns, got ${typeInWords(large)}`,
    );
  }
  if (startHeaders !== undefined) {
    throw new TypeError("startHeaders: expected none together with `large`, got some");
  }
  if (checksum === "md5" || checksum === "sha256") {
    throw new TypeError(
      `checksum: expected "auto", "crc32c" or null together with \`large\`, got "${checksum}"`,
    );
  }
}

function checkNumber(
  value: unknown,
  name: string,
  accept: (value: number) => boolean,
  expected: string,
): void {
  if (value === undefined || (typeof value === "number" && value >= 1 && accept(value))) return;
  throw new RangeError(`${name}: expected ${expected} of at least 1, got ${typeInWords(value)}`);
}

function checkSwitch(value: unknown, name: string): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new TypeError(`${name}: expected true or false, got ${typeof value}`);
}
