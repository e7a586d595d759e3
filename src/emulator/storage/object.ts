/**
 * Objects: what is stored, and the resource that describes it.
 *
 * @module
 */

import { base64, hex } from "./checksums.ts";
import type { Content } from "./content.ts";

/** The properties of an object that a client may set. */
export interface WritableFields {
  readonly contentType?: string | undefined;
  readonly storageClass?: string;
  readonly cacheControl?: string;
  readonly contentDisposition?: string;
  readonly contentEncoding?: string;
  readonly contentLanguage?: string;
  readonly customTime?: string;
  readonly eventBasedHold?: boolean;
  readonly temporaryHold?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** An object as Google's JSON API describes it. Its properties are in Google's order. */
export interface ObjectResource {
  /** Always this. */
  readonly kind: "storage#object";
  /** Bucket, name and generation. */
  readonly id: string;
  /** The URL of this resource. */
  readonly selfLink: string;
  /** The URL of the bytes. */
  readonly mediaLink: string;
  /** The object's name. */
  readonly name: string;
  /** Its bucket. */
  readonly bucket: string;
  /** Microseconds since 1970, as a string of 16 digits. */
  readonly generation: string;
  /** A string; `1`, and one more with each `patch`. */
  readonly metageneration: string;
  /** `application/octet-stream` if the client gave none. */
  readonly contentType: string;
  /** `STANDARD` if the client named none. */
  readonly storageClass: string;
  /** Bytes, as a string. */
  readonly size: string;
  /** Base64; absent if the emulator was made with `md5: false`, and of objects made of parts or of other objects. */
  readonly md5Hash?: string;
  /** As the client set it. */
  readonly cacheControl?: string;
  /** As the client set it. */
  readonly contentDisposition?: string;
  /** As the client set it. */
  readonly contentEncoding?: string;
  /** As the client set it. */
  readonly contentLanguage?: string;
  /** As the client set it. */
  readonly customTime?: string;
  /** As the client set it. */
  readonly eventBasedHold?: boolean;
  /** As the client set it. */
  readonly temporaryHold?: boolean;
  /** Base64 of the four bytes, big-endian. */
  readonly crc32c: string;
  /** How many objects it was composed of; absent if it was not. */
  readonly componentCount?: number;
  /** Opaque. */
  readonly etag: string;
  /** RFC 3339, as the three that follow. */
  readonly timeCreated: string;
  /** As `timeCreated`. */
  readonly updated: string;
  /** As `timeCreated`. */
  readonly timeStorageClassUpdated: string;
  /** As `timeCreated`. */
  readonly timeFinalized: string;
  /** Absent if there is none. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A live object of the emulator, for a test to look at. */
export interface EmulatedObject {
  /** Its bucket. */
  readonly bucket: string;
  /** Its name, not encoded. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** As in the resource. */
  readonly contentType: string;
  /** As in the resource. */
  readonly generation: string;
  /** As in the resource. */
  readonly metageneration: string;
  /** Base64, as in the resource. */
  readonly crc32c: string;
  /** Base64, as in the resource; absent with `md5: false`, and of objects made of parts or of other objects. */
  readonly md5Hash?: string | undefined;
  /** Custom metadata; empty if there is none. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The object's bytes, or `undefined` with `store: "discard"`. Do not change them. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  /** The entity tag of the XML API, with its quotes: the MD5 in hexadecimal, or something opaque where there is none. */
  readonly xmlEtag: string;
  /** What the JSON API answers, without `acl` and `owner`. */
  readonly resource: ObjectResource;
}

/** What is needed to make an object. */
export interface ObjectParts {
  readonly bucket: string;
  readonly name: string;
  readonly fields: WritableFields;
  readonly content: Content;
  readonly generation: number;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Milliseconds since 1970, of the last change to the fields; that of the creation if there was none. */
  readonly updated?: number | undefined;
  /** How often the fields were set. The default is once. */
  readonly metageneration?: number | undefined;
  /** The origin written into links. */
  readonly origin: string;
  /** How many objects it is composed of. */
  readonly componentCount?: number | undefined;
  /** The entity tag of the XML API, if it is not the MD5. */
  readonly xmlEtag?: string | undefined;
}

/** Makes an object of its parts. */
export function makeObject(parts: ObjectParts): EmulatedObject {
  const resource = resourceOf(parts);
  const { content } = parts;
  return {
    bucket: parts.bucket,
    name: parts.name,
    size: content.size,
    contentType: resource.contentType,
    generation: resource.generation,
    metageneration: resource.metageneration,
    crc32c: resource.crc32c,
    md5Hash: resource.md5Hash,
    metadata: resource.metadata ?? {},
    get bytes() {
      return content.bytes();
    },
    xmlEtag: parts.xmlEtag ?? xmlEtag(content, resource.etag),
    resource,
  };
}

function xmlEtag(content: Content, otherwise: string): string {
  const md5 = content.md5();
  return `"${md5 ? hex(md5) : otherwise}"`;
}

function resourceOf(parts: ObjectParts): ObjectResource {
  const { bucket, name, fields, content, generation, origin, metageneration = 1 } = parts;
  const { contentType, storageClass, metadata, ...others } = fields;
  const path = `b/${bucket}/o/${encodeURIComponent(name)}`;
  const time = new Date(parts.created).toISOString();
  const md5 = content.md5();
  return {
    kind: "storage#object",
    id: `${bucket}/${name}/${generation}`,
    selfLink: `${apiOrigin(origin)}/storage/v1/${path}`,
    mediaLink: `${origin}/download/storage/v1/${path}?generation=${generation}&alt=media`,
    name,
    bucket,
    generation: String(generation),
    metageneration: String(metageneration),
    contentType: contentType ?? "application/octet-stream",
    storageClass: storageClass ?? "STANDARD",
    size: String(content.size),
    ...(md5 && { md5Hash: base64(md5) }),
    ...others,
    crc32c: content.crc32c,
    ...(parts.componentCount !== undefined && { componentCount: parts.componentCount }),
    etag: etagOf(generation, metageneration),
    timeCreated: time,
    updated: new Date(parts.updated ?? parts.created).toISOString(),
    timeStorageClassUpdated: time,
    timeFinalized: time,
    ...(metadata && Object.keys(metadata).length > 0 && { metadata }),
  };
}

/** Google's own resources live under another host than its uploads. */
function apiOrigin(origin: string): string {
  return origin === "https://storage.googleapis.com" ? "https://www.googleapis.com" : origin;
}

/** Opaque to clients; two numbers as a protocol buffer would write them, in base64. */
function etagOf(generation: number, metageneration: number): string {
  return base64(Uint8Array.from([8, ...varint(generation), 16, ...varint(metageneration)]));
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}
