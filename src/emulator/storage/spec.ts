/**
 * What a client wants to create: name, metadata, conditions, declared checksums and size.
 *
 * @module
 */

import type { Content } from "./content.ts";
import { type DeclaredChecksums, malformedChecksum } from "./checksums.ts";
import { objectNameProblem } from "./names.ts";
import type { WritableFields } from "./object.ts";
import { headerPreconditions, type Preconditions, queryPreconditions } from "./preconditions.ts";
import {
  invalid,
  invalidParameter,
  isRefusal,
  type Refusal,
  required,
} from "../emulator_replies.ts";
import { readView, type View } from "../json/json_view.ts";

/** The largest object, in bytes: 5 TiB. */
export const MAX_OBJECT_SIZE = 5_497_558_138_880;

/** An object to be. */
export interface UploadSpec {
  readonly bucket: string;
  readonly name: string;
  readonly fields: WritableFields;
  readonly preconditions: Preconditions;
  readonly checksums: DeclaredChecksums;
  /** The declared size in bytes, or `null`. */
  readonly size: number | null;
  readonly view: View;
  /** The origin written into links. */
  readonly origin: string;
}

/** Where a request is aimed. */
export interface Target {
  readonly bucket: string;
  readonly origin: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  /** The announced size in bytes, or `null`. */
  readonly size: number | null;
}

const TEXT_FIELDS = [
  "contentType",
  "storageClass",
  "cacheControl",
  "contentDisposition",
  "contentEncoding",
  "contentLanguage",
  "customTime",
] as const;

const PREDEFINED_ACLS = [
  "authenticatedRead",
  "bucketOwnerFullControl",
  "bucketOwnerRead",
  "private",
  "projectPrivate",
  "publicRead",
];

/** Reads the spec of an upload through the JSON API. */
export function jsonSpec(
  target: Target,
  metadata: Readonly<Record<string, unknown>>,
  mediaType: string | null,
): UploadSpec | Refusal {
  const { query, bucket, origin } = target;
  const name = agreedName(target, metadata);
  if (typeof name !== "string") return name;
  const fields = writableFields(metadata);
  if (isRefusal(fields)) return fields;
  const checksums = declaredChecksums(metadata);
  if (isRefusal(checksums)) return checksums;
  const preconditions = queryPreconditions(query);
  if (isRefusal(preconditions)) return preconditions;
  const view = readView(query);
  if (isRefusal(view)) return view;
  const acl = query.get("predefinedAcl");
  if (acl !== null && !PREDEFINED_ACLS.includes(acl)) {
    return invalidParameter("predefinedAcl", `Invalid value for predefinedAcl: ${acl}`);
  }
  return {
    bucket,
    name,
    fields: {
      ...fields,
      contentType: fields.contentType ?? mediaType ?? undefined,
      ...(query.has("contentEncoding") && { contentEncoding: query.get("contentEncoding")! }),
    },
    preconditions,
    checksums,
    size: target.size,
    view,
    origin,
  };
}

/** Reads the spec of a resumable or multipart upload through the XML API, which is all in the headers. */
export function xmlSpec(target: Target, name: string): UploadSpec | Refusal {
  const { bucket, origin, headers } = target;
  const problem = objectNameProblem(name);
  if (problem) return invalid(problem);
  const preconditions = headerPreconditions(headers);
  if (isRefusal(preconditions)) return preconditions;
  const fields: { -readonly [K in keyof WritableFields]: WritableFields[K] } = {};
  for (
    const [field, header] of [
      ["contentType", "content-type"],
      ["storageClass", "x-goog-storage-class"],
      ["cacheControl", "cache-control"],
      ["contentDisposition", "content-disposition"],
      ["contentEncoding", "content-encoding"],
      ["contentLanguage", "content-language"],
      ["customTime", "x-goog-custom-time"],
    ] as const
  ) {
    const value = headers.get(header) ?? headers.get(header.replace("x-goog-", "x-amz-"));
    if (value !== null) fields[field] = value;
  }
  return {
    bucket,
    name,
    fields: {
      ...fields,
      metadata: { ...headerMetadata(headers, "x-amz-meta-"), ...headerMetadata(headers) },
    },
    preconditions,
    checksums: {},
    size: target.size,
    view: { selection: null, full: false, pretty: true },
    origin,
  };
}

/** What is wrong with the size of complete content of which `size` bytes were announced. */
export function sizeProblem(size: number | null, content: Content): Refusal | null {
  if (size === null || size === content.size) return null;
  return invalid(
    `${size} byte(s) were announced at the start, but the upload has ${content.size} byte(s).`,
  );
}

/** The custom metadata in `X-Goog-Meta-*` headers. */
export function headerMetadata(
  headers: Headers,
  prefix: string = "x-goog-meta-",
): Record<string, string> {
  return Object.fromEntries(
    [...headers].filter(([name]) => name.startsWith(prefix) && name.length > prefix.length)
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

function agreedName(
  { query, bucket }: Target,
  metadata: Readonly<Record<string, unknown>>,
): string | Refusal {
  const inQuery = query.get("name");
  const inBody = metadata.name;
  if (inBody !== undefined && typeof inBody !== "string") return invalid("Invalid value for: name");
  if (metadata.bucket !== undefined && metadata.bucket !== bucket) {
    return disagreement(metadata.bucket, bucket);
  }
  if (inQuery && inBody && inQuery !== inBody) return disagreement(inBody, inQuery);
  const name = inQuery || inBody;
  if (!name) return required("name");
  const problem = objectNameProblem(name);
  return problem ? invalid(problem) : name;
}

function disagreement(content: unknown, parameter: string): Refusal {
  return invalid(`Value '${content}' in content does not agree with value '${parameter}'.`);
}

function writableFields(metadata: Readonly<Record<string, unknown>>): WritableFields | Refusal {
  const fields: Record<string, unknown> = {};
  for (const name of TEXT_FIELDS) {
    const value = metadata[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== "string") return invalid(`Invalid value for: ${name}`);
    fields[name] = value;
  }
  for (const name of ["eventBasedHold", "temporaryHold"]) {
    const value = metadata[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== "boolean") return invalid(`Invalid value for: ${name}`);
    fields[name] = value;
  }
  const custom = metadata.metadata;
  if (custom === undefined || custom === null) return fields;
  if (typeof custom !== "object" || Array.isArray(custom)) {
    return invalid("Invalid value for: metadata");
  }
  const entries = Object.entries(custom).filter(([, value]) => value !== null);
  if (entries.some(([, value]) => typeof value !== "string")) {
    return invalid("Invalid value for: metadata");
  }
  return { ...fields, metadata: Object.fromEntries(entries) };
}

function declaredChecksums(
  { md5Hash, crc32c }: Readonly<Record<string, unknown>>,
): DeclaredChecksums | Refusal {
  for (const value of [md5Hash, crc32c]) {
    if (value !== undefined && typeof value !== "string") return invalid("Invalid argument.");
  }
  const declared = { md5Hash, crc32c } as DeclaredChecksums;
  return malformedChecksum(declared) ?? declared;
}

/** Reads the header that announces the size of the upload. */
export function announcedSize(
  headers: Headers,
  name: string,
): { readonly bytes: number | null } | Refusal {
  const header = headers.get(name);
  if (header === null) return { bytes: null };
  if (!/^\d+$/.test(header)) return invalid(`Invalid value for ${name}: ${header}`);
  if (Number(header) > MAX_OBJECT_SIZE) return uploadTooLarge();
  return { bytes: Number(header) };
}

function uploadTooLarge(): Refusal {
  return {
    code: 413,
    reason: "uploadTooLarge",
    message: `An object can have at most ${MAX_OBJECT_SIZE} bytes.`,
    xmlCode: "EntityTooLarge",
  };
}
