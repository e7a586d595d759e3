/** What the start of an upload asks for: query, headers and metadata, read strictly and written anew. */

import { expectedOfName } from "../protocol/upload_url.ts";
import { badRequest, forbidden, quote } from "./http_error.ts";
import { checkGrant, type UploadGrant, type UploadLimits } from "./grant.ts";

/** Query parameters that go upstream. */
const PARAMETERS = [
  "contentEncoding",
  "fields",
  "ifGenerationMatch",
  "ifGenerationNotMatch",
  "ifMetagenerationMatch",
  "ifMetagenerationNotMatch",
];

/** Query parameters that may be there, and are written by the proxy itself or not at all. */
const IGNORED = ["alt", "name", "prettyPrint", "projection", "uploadType"];

/** Fields of the object resource that a client may set. */
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

/** A start, as the client wrote it. */
export interface StartInput {
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
  readonly query: URLSearchParams;
  readonly metadata: Record<string, unknown>;
  readonly name: string;
  readonly contentType: string;
  /** The most bytes the object may have. */
  readonly maxBytes: number;
}

/** Checks a start against what is allowed. */
export function checkStart(input: StartInput, grant: UploadGrant, limits: UploadLimits): Start {
  const query = checkQuery(input.query, grant.overwrite === true);
  const given = checkMetadata(input.metadata, input.bucket);
  const name = agreed("object name", input.query.get("name") ?? undefined, given.name);
  if (name === undefined) throw badRequest("Expected the object's name, got none", "required");
  const expected = expectedOfName(name);
  if (expected) throw badRequest(`Expected an object name with ${expected}, got ${quote(name)}`);
  const contentType = agreed("media type", input.contentType, given.contentType) ??
    "application/octet-stream";
  const maxBytes = checkGrant(grant, limits, {
    bucket: input.bucket,
    name,
    contentType,
    size: input.size,
  });
  query.set("name", name);
  return {
    query,
    metadata: { ...withGranted({ ...given, contentType }, grant.metadata), name },
    name,
    contentType,
    maxBytes,
  };
}

function checkQuery(query: URLSearchParams, overwrite: boolean): URLSearchParams {
  const checked = new URLSearchParams();
  for (const [key, value] of query) {
    if (PARAMETERS.includes(key)) {
      if (query.getAll(key).length > 1) {
        throw badRequest(`The parameter ${key} is there twice`, "invalidParameter");
      }
      checked.set(key, value);
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

/** The value that two places agree on. */
function agreed(what: string, first: string | undefined, second: unknown): string | undefined {
  if (second !== undefined && typeof second !== "string") {
    throw badRequest(`The ${what} must be a string`);
  }
  if (first !== undefined && second !== undefined && first !== second) {
    throw badRequest(`The ${what} is given twice, and differently`);
  }
  return first ?? second;
}

function checkMetadata(text: string, bucket: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    throw badRequest("The metadata is not JSON", "parseError");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badRequest("The metadata is not a JSON object", "parseError");
  }
  const fields = value as Record<string, unknown>;
  const unknown = Object.keys(fields).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) {
    throw badRequest(
      `The metadata field ${quote(unknown)} is not allowed here`,
      "invalidParameter",
    );
  }
  if (fields.bucket !== undefined && fields.bucket !== bucket) {
    throw badRequest("The metadata names another bucket");
  }
  return fields;
}

/** What the ticket sets wins, custom metadata key by key. */
function withGranted(
  given: Record<string, unknown>,
  granted: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> {
  const custom = [given.metadata, granted?.metadata].filter((value) =>
    typeof value === "object" && value !== null
  );
  return {
    ...given,
    ...granted,
    ...(custom.length > 0 && { metadata: Object.assign({}, ...custom) }),
  };
}
