/** What the start of an upload asks for: query, headers and metadata, read strictly and written anew. */

import { CRC32C, MD5 } from "../protocol/hashes.ts";
import { isMediaType } from "../protocol/media_type.ts";
import { expectedOfName } from "../protocol/upload_url.ts";
import { agreed, parseFields } from "./said_twice.ts";
import { type Backend, CLOUD_STORAGE, hasObjects } from "./backend.ts";
import { changedFileStart, checkFileStart } from "./file_start.ts";
import { badRequest, forbidden, type HttpError, quote } from "./http_error.ts";
import { checkGrant, isRecord, type UploadGrant, type UploadLimits } from "./grant.ts";
import type { StartDecision } from "./hooks.ts";
import { checkFields, checkNoPattern, checkType, openFields } from "./policy.ts";
import { type ObjectView, viewOf } from "./object_view.ts";

/** Query parameters that go upstream. */
const PARAMETERS = [
  "ifGenerationMatch",
  "ifGenerationNotMatch",
  "ifMetagenerationMatch",
  "ifMetagenerationNotMatch",
];

/** Query parameters that may be there, and are written by the proxy itself or not at all. */
const IGNORED = [
  "alt",
  "contentEncoding",
  "fields",
  "name",
  "prettyPrint",
  "projection",
  "uploadType",
  "upload_protocol",
];

/** The most characters of `fields`, encoded: the session, which holds it, has to stay short. */
const MAX_PARAMETER = 1024;

/** Fields of the object resource that a client may send. */
const FIELDS = [
  "bucket",
  "cacheControl",
  "contentDisposition",
  "contentEncoding",
  "contentLanguage",
  "contentType",
  "crc32c",
  "customTime",
  "md5Hash",
  "metadata",
  "name",
];

/** Checksums in base64. An empty one, or one of another length, could pass for one that is not compared. */
const CHECKSUMS: readonly [field: string, pattern: RegExp][] = [
  ["crc32c", CRC32C],
  ["md5Hash", MD5],
];

/** A start, as the client wrote it. */
export interface StartInput {
  /** Where the bytes are to go. */
  readonly backend: Backend;
  readonly bucket: string;
  readonly query: URLSearchParams;
  /** The object resource, as JSON text; empty for none. */
  readonly metadata: string;
  /** The media type that a header declares. */
  readonly contentType: string | undefined;
  /** The declared size in bytes. */
  readonly size: number | undefined;
}

/** A start that may go upstream. */
export interface Start {
  readonly backend: Backend;
  readonly bucket: string;
  readonly query: URLSearchParams;
  readonly metadata: Record<string, unknown>;
  readonly name: string;
  readonly contentType: string;
  /** In bytes, where the client has declared it. */
  readonly size: number | undefined;
  /** The most bytes the object may have. */
  readonly maxBytes: number;
  /** What the client is shown of the object in the end. */
  readonly view: ObjectView;
}

/** Checks a start against what is allowed. */
export function checkStart(input: StartInput, grant: UploadGrant, limits: UploadLimits): Start {
  if ((grant.backend ?? CLOUD_STORAGE) !== input.backend.name) {
    throw forbidden("The ticket does not cover uploads of this kind");
  }
  if (!hasObjects(input.backend)) return checkFileStart(input, grant, limits);
  const query = checkQuery(input.query, grant.overwrite === true);
  const { requested, name, contentType } = readRequested(input);
  const granted = grant.metadata ?? {};
  const fields = openFields(grant.fields, limits.fields);
  const { backend, bucket, size } = input;
  const maxBytes = checkGrant(grant, limits, { bucket, name, contentType, size });
  checkFields(requested, granted, fields);
  query.set("name", name);
  const metadata: Record<string, unknown> = { ...withGranted(requested, granted), name };
  // What is stored in the end, whoever has set it.
  const stored = metadata.contentType;
  if (!isMediaType(stored)) {
    throw badRequest("Expected one media type, the ticket sets something else");
  }
  checkType(stored, limits.contentTypes);
  if (metadata.bucket !== undefined && metadata.bucket !== bucket) {
    throw badRequest("The metadata names another bucket");
  }
  const view = viewOf(fields, granted, input.query.get("fields"));
  return { backend, bucket, query, metadata, name, contentType: stored, size, maxBytes, view };
}

/** A start as the operator's own code wants it: another name, more fields. They are held to what Google and the proxy take. */
export function changedStart(
  start: Start,
  decision: StartDecision,
  { contentTypes }: UploadLimits,
): Start {
  checkDecision(decision);
  const { name = start.name, metadata: added = {} } = decision;
  if (!hasObjects(start.backend)) return changedFileStart(start, name, added);
  const query = new URLSearchParams(start.query);
  query.set("name", name);
  const metadata = { ...withGranted(start.metadata, added), name };
  const { contentType } = metadata as { contentType?: unknown };
  if (expectedOfName(name) || !isMediaType(contentType)) {
    throw new TypeError("expected the name of an object and a media type");
  }
  checkType(contentType, contentTypes);
  const view = viewOf(start.view.fields, added, start.view.asked ?? null);
  const hidden = [...start.view.hidden, ...view.hidden];
  return { ...start, query, metadata, name, contentType, view: { ...view, hidden } };
}

/** A decision that is passed over would be a rename, or a refusal, that does not happen. */
function checkDecision(decision: unknown): void {
  const isKnown = isRecord(decision) &&
    Object.keys(decision).every((field) => field === "name" || field === "metadata");
  const { name = "", metadata = {} } = decision as Record<string, unknown>;
  const { metadata: custom = {} } = isRecord(metadata) ? metadata : {};
  if (!isKnown || typeof name !== "string" || !isRecord(metadata) || !isRecord(custom)) {
    throw new TypeError("expected nothing, or an object with name and metadata");
  }
}

/** What the client wants, from all places where it may say so. */
function readRequested(input: StartInput) {
  const fields = readMetadata(input.metadata);
  const name = agreed("object name", input.query.get("name"), fields.name);
  if (name === undefined) throw badRequest("Expected the object's name, got none", "required");
  const expected = expectedOfName(name);
  if (expected) throw badRequest(`Expected an object name with ${expected}, got ${quote(name)}`);
  const contentType = agreed("media type", input.contentType, fields.contentType) ??
    "application/octet-stream";
  if (!isMediaType(contentType)) {
    throw badRequest(`Expected one media type, got ${quote(contentType)}`);
  }
  checkNoPattern(contentType);
  const inQuery = input.query.get("contentEncoding");
  const contentEncoding = agreed("content encoding", inQuery, fields.contentEncoding);
  const requested = {
    ...fields,
    contentType,
    ...(contentEncoding !== undefined && { contentEncoding }),
  };
  return { requested, name, contentType };
}

function checkQuery(query: URLSearchParams, overwrite: boolean): URLSearchParams {
  const checked = new URLSearchParams();
  for (const [key, value] of query) {
    if (query.getAll(key).length > 1) {
      throw badRequest(`The parameter ${quote(key)} is there twice`, "invalidParameter");
    }
    if (PARAMETERS.includes(key)) {
      if (!/^\d{1,20}$/.test(value)) throw badValue(key);
      checked.set(key, value);
    } else if (key === "fields" && encodeURIComponent(value).length > MAX_PARAMETER) {
      throw badValue(key);
    } else if (!IGNORED.includes(key)) {
      throw badRequest(`The parameter ${quote(key)} is not allowed here`, "invalidParameter");
    }
  }
  if (!overwrite) {
    const asked = checked.get("ifGenerationMatch");
    if (asked !== null && asked !== "0") {
      throw forbidden("The ticket does not allow to overwrite an object");
    }
    checked.set("ifGenerationMatch", "0");
  }
  return checked;
}

function badValue(parameter: string): HttpError {
  const message = `The parameter ${parameter} has a value that is not allowed`;
  return badRequest(message, "invalidParameter");
}

/** The object resource as the client wrote it: known fields only. */
function readMetadata(text: string): Readonly<Record<string, unknown>> {
  const fields = parseFields(text);
  const unknown = Object.keys(fields).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) {
    throw badRequest(
      `The metadata field ${quote(unknown)} is not allowed here`,
      "invalidParameter",
    );
  }
  for (const [field, pattern] of CHECKSUMS) {
    const { [field]: value } = fields;
    if (value !== undefined && !(typeof value === "string" && pattern.test(value))) {
      throw badRequest(`The metadata field "${field}" must be a checksum in base64`);
    }
  }
  const { metadata = {} } = fields;
  if (!isRecord(metadata)) {
    throw badRequest("The custom metadata must be an object with strings");
  }
  return fields;
}

/** What the ticket sets wins, custom metadata key by key, whatever the case: as headers they are the same. */
function withGranted(
  requested: Readonly<Record<string, unknown>>,
  granted: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const [client, ticket] = [requested.metadata, granted.metadata].map((value) =>
    Object.entries(value ?? {})
  );
  const taken = new Set(ticket.map(([key]) => key.toLowerCase()));
  const custom = [...client.filter(([key]) => !taken.has(key.toLowerCase())), ...ticket];
  return {
    ...requested,
    ...granted,
    ...(custom.length > 0 && { metadata: Object.fromEntries(custom) }),
  };
}
