/**
 * The body of the request that completes a multipart upload: which parts the object is made of.
 *
 * @module
 */

import { invalid, type Refusal } from "../emulator_replies.ts";
import { MAX_PARTS } from "../storage/xml_multipart_upload.ts";
import { childText, parseXml } from "./parse.ts";
import { NAMESPACE } from "./write.ts";

/** A part as a client names it. */
export interface NamedPart {
  readonly number: number;
  /** Without its quotes. */
  readonly etag: string;
}

/** More than 10,000 parts can take, in bytes: 4 MiB. */
const LARGEST_BODY = 4_194_304;

/** Reads the body: its parts in their order, at least one. */
export function readCompleteBody(bytes: Uint8Array): NamedPart[] | Refusal {
  if (bytes.length > LARGEST_BODY) return malformed("The body is too long.");
  const root = parseXml(decoded(bytes));
  if (root?.name !== "CompleteMultipartUpload") {
    return malformed("The body is not a CompleteMultipartUpload.");
  }
  if (root.namespace !== "" && root.namespace !== NAMESPACE) {
    return malformed(`The namespace is not ${NAMESPACE}.`);
  }
  const parts: NamedPart[] = [];
  for (const child of root.children) {
    const number = childText(child, "PartNumber") ?? "";
    const etag = unquoted(childText(child, "ETag") ?? "");
    if (child.name !== "Part" || !/^\d{1,9}$/.test(number) || etag === "") {
      return malformed("Each Part needs a PartNumber and an ETag.");
    }
    if (child.namespace !== root.namespace) return malformed("A Part is in another namespace.");
    parts.push({ number: Number(number), etag });
  }
  if (root.text.trim() !== "") return malformed("There is text between the parts.");
  if (parts.length === 0) return malformed("There are no parts.");
  if (parts.length > MAX_PARTS) return malformed(`There are more than ${MAX_PARTS} parts.`);
  return parts;
}

/** An entity tag without the quotes, which a client may leave out. */
export function unquoted(etag: string): string {
  return /^"(.*)"$/.exec(etag)?.[1] ?? etag;
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return "";
  }
}

function malformed(details: string): Refusal {
  return {
    ...invalid(details, "invalid", "MalformedCompleteMultipartUploadRequest"),
    xmlMessage: "The complete multipart upload request body is malformed.",
  };
}
