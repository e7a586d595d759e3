/** `Upload-Metadata` of tus: what a client writes about its file, and what of that goes to the backend. */

import { hasObjects } from "../backend.ts";
import { badRequest, quote } from "../http_error.ts";
import type { UploadGrant, UploadLimits } from "../grant.ts";
import { isOpen, openFields } from "../policy.ts";
import type { StartInput } from "../start_request.ts";

/** Pairs of a key and a value; values are base64 until they are used. */
export type UploadMetadata = ReadonlyMap<string, string>;

/** The most characters: it is sealed into the session's URL, since the client has to be told it again. */
const MAX_LENGTH = 4096;

/** Reads the header; its absence is no pair. */
export function parseUploadMetadata(header: string | null): UploadMetadata {
  const pairs = new Map<string, string>();
  if (header === null || header.trim() === "") return pairs;
  if (header.length > MAX_LENGTH) {
    throw badRequest(
      `Upload-Metadata: expected at most ${MAX_LENGTH} characters, got ${header.length}`,
    );
  }
  for (const pair of header.split(",")) {
    const match = /^[\t ]*([!-+\--~]+)(?: +([A-Za-z0-9+/]*={0,2}))?[\t ]*$/.exec(pair);
    if (!match || !isBase64(match[2] ?? "")) {
      throw badRequest("Upload-Metadata: expected pairs of a key and a value in base64");
    }
    const [, key, value = ""] = match;
    if (pairs.has(key)) throw badRequest(`Upload-Metadata: the key ${quote(key)} is there twice`);
    pairs.set(key, value);
  }
  return pairs;
}

/** What a creation asks for beside its metadata; what is here goes before what is there. */
export interface CreationInput extends Pick<StartInput, "backend" | "bucket" | "query" | "size"> {
  readonly filename?: string | undefined;
  readonly contentType?: string | undefined;
  /** Fields of the object resource. */
  readonly checksums?: Readonly<Record<string, string>> | undefined;
}

/** What a creation asks for, in the words of the proxy. */
export function startInput(
  metadata: UploadMetadata,
  { backend, bucket, query, size, ...asked }: CreationInput,
  grant: UploadGrant,
  limits: UploadLimits,
): StartInput {
  const filename = asked.filename ?? textOf(metadata, "filename") ?? textOf(metadata, "name");
  const contentType = asked.contentType ?? textOf(metadata, "filetype") ?? textOf(metadata, "type");
  return {
    backend,
    bucket,
    size,
    query: withName(query, grant, filename),
    // Other backends have no place for it; clients send whatever they know.
    metadata: hasObjects(backend) ? objectFields(metadata, asked.checksums, grant, limits) : "",
    contentType,
  };
}

/** Fields of the object resource, as JSON: checksums, and the custom metadata that is open. */
function objectFields(
  metadata: UploadMetadata,
  checksums: CreationInput["checksums"],
  grant: UploadGrant,
  limits: UploadLimits,
): string {
  const said = ["crc32c", "md5Hash"].flatMap((field) => {
    const value = textOf(metadata, field);
    return value === undefined ? [] : [[field, value]];
  });
  const custom = openMetadata(metadata, openFields(grant.fields, limits.fields));
  return JSON.stringify({
    ...Object.fromEntries(said),
    ...checksums,
    ...(custom.length > 0 && { metadata: Object.fromEntries(custom) }),
  });
}

/** The name of the object: what the URL says, or the ticket; else that of the file, below the ticket's prefix. */
function withName(
  asked: URLSearchParams,
  { name, prefix }: UploadGrant,
  filename: string | undefined,
): URLSearchParams {
  const query = new URLSearchParams(asked);
  if (query.has("name")) return query;
  const chosen = name ?? (filename === undefined ? undefined : (prefix ?? "") + filename);
  if (chosen === undefined) {
    const message =
      "Expected a filename in Upload-Metadata or Content-Disposition, or a ticket with " +
      "the object's name";
    throw badRequest(message, "required");
  }
  query.set("name", chosen);
  return query;
}

/**
 * The pairs that the client may set as custom metadata. Others are left out without a word: clients send whatever they know
 * of a file, and are told it again from the session.
 */
function openMetadata(metadata: UploadMetadata, fields: readonly string[]): [string, string][] {
  return [...metadata.keys()]
    .filter((key) => isOpen(fields, `metadata.${key}`))
    .map((key) => [key, decoded(metadata, key)]);
}

/** A value that says something; browsers know no type of many files, and send an empty one. */
function textOf(metadata: UploadMetadata, key: string): string | undefined {
  return metadata.get(key) ? decoded(metadata, key) : undefined;
}

function decoded(metadata: UploadMetadata, key: string): string {
  const bytes = Uint8Array.from(atob(metadata.get(key)!), (character) => character.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw badRequest(`Upload-Metadata: expected UTF-8 as the value of ${quote(key)}`);
  }
}

function isBase64(value: string): boolean {
  try {
    atob(value);
    return true;
  } catch {
    return false;
  }
}
