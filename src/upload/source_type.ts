/** The media type of a source. */

import type { UploadSource } from "../bytes/source.ts";
import { cleanMediaType, OCTET_STREAM } from "../protocol/media_type.ts";
import type { ObjectMetadata } from "../protocol/resources/storage_object.ts";
import { checkContentType } from "./check_arguments.ts";

/** What the caller says of the media type. */
export interface DeclaredType {
  readonly contentType?: string | undefined;
  readonly metadata?: ObjectMetadata | undefined;
}

/** The media type that the options mean, or that the source has. */
export function contentTypeOf(
  source: UploadSource | undefined,
  { contentType, metadata }: DeclaredType,
): string {
  const inMetadata = metadata?.contentType;
  if (contentType && inMetadata && contentType !== inMetadata) {
    throw new TypeError("metadata.contentType: expected none, or the same as `contentType`");
  }
  const declared = contentType || inMetadata;
  if (declared) return checkContentType(declared);
  if (typeof source === "string") return "text/plain;charset=UTF-8";
  const type = typeof source === "object" && "type" in source ? source.type : "";
  return typeof type === "string" && type !== "" ? cleanMediaType(type) : OCTET_STREAM;
}
