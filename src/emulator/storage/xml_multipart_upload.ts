/**
 * Multipart uploads of the XML API: parts that wait to become one object.
 *
 * @module
 */

import { base64, hex } from "./checksums.ts";
import type { Content } from "./content.ts";
import type { UploadSpec } from "./spec.ts";

/** Every part but the last has at least so many bytes: 5 MiB. */
export const SMALLEST_PART = 5_242_880;
/** No part has more bytes: 5 GiB. */
export const LARGEST_PART = 5_368_709_120;
/** Part numbers go from 1 to this. */
export const MAX_PARTS = 10_000;

/** A part of a multipart upload, for a test to look at. */
export interface EmulatedPart {
  /** From 1 to 10,000. */
  readonly number: number;
  /** Bytes. */
  readonly size: number;
  /** Base64. */
  readonly crc32c: string;
  /** With its quotes, as the reply to the part has it. */
  readonly etag: string;
}

/** A multipart upload of the XML API, for a test to look at. */
export interface EmulatedMultipartUpload {
  /** Counts from 0 in the order of their start. */
  readonly index: number;
  /** As the reply to the start has it. */
  readonly uploadId: string;
  /** The bucket of the object to be. */
  readonly bucket: string;
  /** The name of the object to be. */
  readonly name: string;
  /** `lost`: an injected fault has ended it. */
  readonly phase: "open" | "completed" | "aborted" | "lost";
  /** The parts that are stored, by number; none if the upload is not open. */
  readonly parts: readonly EmulatedPart[];
  /** Milliseconds since 1970. */
  readonly started: number;
}

/** A part. */
export interface Part extends EmulatedPart {
  readonly content: Content;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** Makes a part of complete content. */
export function makePart(number: number, content: Content, modified: number): Part {
  return {
    number,
    size: content.size,
    crc32c: content.crc32c,
    etag: `"${tagOf(content)}"`,
    content,
    modified,
  };
}

/** The MD5, or something as long where none is computed. */
function tagOf(content: Content): string {
  const md5 = content.md5();
  if (md5) return hex(md5);
  const crc = hex(Uint8Array.from(atob(content.crc32c), (c) => c.charCodeAt(0)));
  return crc + content.size.toString(16).padStart(24, "0");
}

/** The digest of the digests of all parts, as S3 has it; `hashes` is empty content that adds them up. */
export function joinedTag(parts: readonly Part[], hashes: Content): string {
  const encoder = new TextEncoder();
  for (const { etag, content } of parts) hashes.append(content.md5() ?? encoder.encode(etag));
  return tagOf(hashes);
}

/** One multipart upload. */
export class MultipartUpload {
  readonly id: string;
  readonly index: number;
  readonly spec: UploadSpec;
  /** Milliseconds since 1970. */
  readonly started: number;
  phase: EmulatedMultipartUpload["phase"] = "open";
  readonly #parts = new Map<number, Part>();

  constructor(id: string, index: number, spec: UploadSpec, started: number) {
    this.id = id;
    this.index = index;
    this.spec = spec;
    this.started = started;
  }

  /** The parts, by number. */
  get parts(): Part[] {
    return [...this.#parts.values()].sort((a, b) => a.number - b.number);
  }

  /** The part of that number. */
  part(number: number): Part | undefined {
    return this.#parts.get(number);
  }

  /** Keeps a part; one of the same number is replaced. */
  keep(part: Part): void {
    this.#parts.set(part.number, part);
  }

  /** Ends the upload, and forgets its parts. */
  end(phase: Exclude<EmulatedMultipartUpload["phase"], "open">): void {
    this.phase = phase;
    this.#parts.clear();
  }
}

/** All multipart uploads. */
export class MultipartUploads {
  readonly #uploads: MultipartUpload[] = [];
  readonly #byId = new Map<string, MultipartUpload>();

  /** Starts one. */
  start(spec: UploadSpec, started: number): MultipartUpload {
    const upload = new MultipartUpload(newUploadId(), this.#uploads.length, spec, started);
    this.#uploads.push(upload);
    this.#byId.set(upload.id, upload);
    return upload;
  }

  /** The upload of that object and id, if it is open. */
  open(bucket: string, name: string, id: string): MultipartUpload | undefined {
    const upload = this.#byId.get(id);
    const matches = upload?.spec.bucket === bucket && upload.spec.name === name;
    return matches && upload.phase === "open" ? upload : undefined;
  }

  /** The open uploads of a bucket, in the order of their start. */
  inBucket(bucket: string): MultipartUpload[] {
    return this.#uploads.filter(({ spec, phase }) => spec.bucket === bucket && phase === "open");
  }

  /** All uploads as a test sees them. */
  shown(): EmulatedMultipartUpload[] {
    return this.#uploads.map(({ id, index, spec, phase, parts, started }) => ({
      index,
      uploadId: id,
      bucket: spec.bucket,
      name: spec.name,
      phase,
      parts: parts.map(({ number, size, crc32c, etag }) => ({ number, size, crc32c, etag })),
      started,
    }));
  }

  /** Forgets all. */
  reset(): void {
    this.#uploads.length = 0;
    this.#byId.clear();
  }
}

/** An opaque id; nobody could guess it. */
function newUploadId(): string {
  const id = base64(crypto.getRandomValues(new Uint8Array(48)));
  return "VXBs" + id.replaceAll("+", "-").replaceAll("/", "_");
}
