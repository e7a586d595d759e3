/** Starts at backends that make files: with a name, a media type and a size, which is what tickets bound. */

import { isMediaType } from "../protocol/media_type.ts";
import { expectedOfName } from "../protocol/upload_url.ts";
import { agreed, parseFields } from "./said_twice.ts";
import type { FileDescription } from "./backend.ts";
import { checkFile, type UploadGrant, type UploadLimits } from "./grant.ts";
import { badRequest, forbidden, quote } from "./http_error.ts";
import { checkNoPattern } from "./policy.ts";
import type { Start, StartInput } from "./start_request.ts";

/** Query parameters that may be there; what they ask for is done, or makes no difference. */
const PARAMETERS = ["alt", "name", "prettyPrint", "uploadType", "upload_protocol"];

/** Checks a start against what is allowed. */
export function checkFileStart(input: StartInput, grant: UploadGrant, limits: UploadLimits): Start {
  const { backend, query } = input;
  refuseObjectGrants(grant);
  const parameter = [...query.keys()].find((key) => !PARAMETERS.includes(key));
  if (parameter !== undefined) {
    throw badRequest(`The parameter ${quote(parameter)} is not allowed here`, "invalidParameter");
  }
  const described = backend.describe!(parseFields(input.metadata));
  const size = agreedSize(input.size, described);
  // A ticket with the exact name gives it to a file that has none.
  const name = agreed("file name", query.get("name"), described.name) ?? grant.name ?? "";
  const contentType = agreed("media type", input.contentType, described.contentType) ??
    "application/octet-stream";
  const expected = name === "" ? undefined : expectedOfName(name);
  if (expected) throw badRequest(`Expected a file name with ${expected}, got ${quote(name)}`);
  if (!isMediaType(contentType)) {
    throw badRequest(`Expected one media type, got ${quote(contentType)}`);
  }
  checkNoPattern(contentType);
  const max = Math.min(limits.maxBytes, backend.maxBytes);
  const maxBytes = checkFile(grant, { ...limits, maxBytes: max }, { name, contentType, size });
  return {
    backend,
    bucket: "",
    query: new URLSearchParams(),
    metadata: { name, contentType },
    name,
    contentType,
    size,
    maxBytes,
    view: { fields: [], hidden: [], asked: undefined },
  };
}

/** A start as the operator's own code wants it: another name, another type. */
export function changedFileStart(
  start: Start,
  name: string,
  added: Readonly<Record<string, unknown>>,
): Start {
  const { contentType = start.contentType, ...others } = added;
  const isKnown = Object.keys(others).length === 0 && (name === "" || !expectedOfName(name));
  if (!isKnown || !isMediaType(contentType)) {
    throw new TypeError("expected the name of a file, and of its metadata contentType only");
  }
  return { ...start, name, contentType, metadata: { name, contentType } };
}

/** What a ticket says that nobody here could hold to is not passed over. */
function refuseObjectGrants({ bucket, fields, metadata, requireChecksum }: UploadGrant): void {
  const named = { bucket, fields, metadata, require_checksum: requireChecksum || undefined };
  const claim = Object.entries(named).find(([, value]) => value !== undefined)?.[0];
  if (claim !== undefined) {
    throw forbidden(`The ticket's claim "${claim}" means nothing for uploads of this kind`);
  }
}

function agreedSize(said: number | undefined, { size }: FileDescription): number | undefined {
  if (said !== undefined && size !== undefined && said !== size) {
    throw badRequest("The size is given twice, and differently");
  }
  return said ?? size;
}
