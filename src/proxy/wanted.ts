/** What the start of an upload asks for: query, headers and metadata, read strictly and written anew. */

import { isMediaType } from "../protocol/media_type.ts";
import { expectedOfName } from "../protocol/upload_url.ts";
import { badRequest, forbidden, quote } from "./http_error.ts";
import { checkGrant, checkType, type UploadGrant, type UploadLimits } from "./grant.ts";

/** Query parameters that go upstream. */
const PARAMETERS = [
  "fields",
  "ifGenerationMatch",
  "ifGenerationNotMatch",
  "ifMetagenerationMatch",
  "ifMetagenerationNotMatch",
];

/** Query parameters that may be there, and are written by the proxy itself or not at all. */
const IGNORED = ["alt", "contentEncoding", "name", "prettyPrint", "projection", "uploadType"];

/** The most characters of a parameter, encoded: the session URL, which repeats them, has to stay short. */
const MAX_PARAMETER = 1024;

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
  const given = checkMetadata(input.metadata);
  const name = agreed("object name", input.query.get("name"), given.name);
  if (name === undefined) throw badRequest("Expected the object's name, got none", "required");
  const expected = expectedOfName(name);
  if (expected) throw badRequest(`Expected an object name with ${expected}, got ${quote(name)}`);
  const contentType = agreed("media type", input.contentType, given.contentType) ??
    "application/octet-stream";
  if (!isMediaType(contentType)) {
    throw badRequest(`Expected one media type, got ${quote(contentType)}`);
  }
  const contentEncoding = agreed(
    "content encoding",
    input.query.get("contentEncoding"),
    given.contentEncoding,
  );
  const wanted = { bucket: input.bucket, name, contentType, size: input.size };
  const maxBytes = checkGrant(grant, limits, wanted);
  query.set("name", name);
  const fields = {
    ...given,
    contentType,
    ...(contentEncoding !== undefined && { contentEncoding }),
  };
  const metadata: Record<string, unknown> = { ...withGranted(fields, grant.metadata), name };
  // What is stored in the end, whoever has set it.
  const stored = metadata.contentType;
  if (!isMediaType(stored)) {
    throw badRequest("Expected one media type, the ticket sets something else");
  }
  checkType(stored, limits.contentTypes);
  if (metadata.bucket !== undefined && metadata.bucket !== input.bucket) {
    throw badRequest("The metadata names another bucket");
  }
  return { query, metadata, name, contentType: stored, maxBytes };
}

function checkQuery(query: URLSearchParams, overwrite: boolean): URLSearchParams {
  const checked = new URLSearchParams();
  for (const [key, value] of query) {
    if (query.getAll(key).length > 1) {
      throw badRequest(`The parameter ${quote(key)} is there twice`, "invalidParameter");
    }
    if (PARAMETERS.includes(key)) {
      const fits = encodeURIComponent(value).length <= MAX_PARAMETER;
      if (!fits || (key !== "fields" && !/^\d{1,20}$/.test(value))) {
        throw badRequest(
          `The parameter ${key} has a value that is not allowed`,
          "invalidParameter",
        );
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
function agreed(
  what: string,
  first: string | null | undefined,
  second: unknown,
): string | undefined {
  if (second !== undefined && typeof second !== "string") {
    throw badRequest(`The ${what} must be a string`);
  }
  if (typeof first === "string" && second !== undefined && first !== second) {
    throw badRequest(`The ${what} is given twice, and differently`);
  }
  return first ?? second;
}

function checkMetadata(text: string): Record<string, unknown> {
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
  const { metadata = {}, ...texts } = fields;
  const broken = Object.entries(texts).find(([, value]) =>
    typeof value !== "string" || /\p{Cc}/u.test(value)
  );
  if (broken) throw badRequest(`The metadata field ${quote(broken[0])} must be a text on one line`);
  const isCustom = typeof metadata === "object" && metadata !== null && !Array.isArray(metadata) &&
    Object.values(metadata).every((entry) => typeof entry === "string");
  if (!isCustom) throw badRequest("The custom metadata must be an object with strings");
  return fields;
}

/** What the ticket sets wins, custom metadata key by key, whatever the case: as headers they are the same. */
function withGranted(
  given: Readonly<Record<string, unknown>>,
  granted: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const [client, ticket] = [given.metadata, granted.metadata].map((value) =>
    Object.entries(value ?? {})
  );
  const taken = new Set(ticket.map(([key]) => key.toLowerCase()));
  const custom = [...client.filter(([key]) => !taken.has(key.toLowerCase())), ...ticket];
  return {
    ...given,
    ...granted,
    ...(custom.length > 0 && { metadata: Object.fromEntries(custom) }),
  };
}
