/** Gemini's file, whose SHA-256 is base64 of its hexadecimal digits. */

import type { Resource } from "../resource.ts";
import { base64OfHex, textOfBase64 } from "./encoding.ts";
import { objectSize } from "./storage_object.ts";
import { json } from "./text.ts";

/** What Gemini Files answers with. */
export interface GeminiFile {
  /** The file. */
  file: {
    /** `files/…`, the name by which it can be read and deleted. */
    name: string;
    /** What a prompt refers to. */
    uri: string;
    /** The media type. */
    mimeType?: string | undefined;
    /** The name that was given. */
    displayName?: string | undefined;
    /** The number of bytes, a decimal string. */
    sizeBytes?: string | undefined;
    /** SHA-256 of the bytes: base64 of its hexadecimal digits. */
    sha256Hash?: string | undefined;
    /** `PROCESSING`, `ACTIVE` or `FAILED`. */
    state?: string | undefined;
    /** Any other field. */
    [field: string]: unknown;
  };
}

/**
 * A file of the Gemini API. Its size and its SHA-256 are compared. Its metadata are `{ file: { displayName } }`.
 *
 * Source: {@link https://ai.google.dev/api/files}
 */
export const geminiFile: Resource<GeminiFile> = {
  expected: "the file as JSON",
  auto: "sha256",
  reports: ["sha256"],
  read(reply) {
    const value = json<Partial<GeminiFile>>().read(reply);
    return typeof value?.file?.name === "string" ? value as GeminiFile : undefined;
  },
  facts: ({ file: { sizeBytes, sha256Hash } }) => ({
    size: objectSize(sizeBytes),
    sha256: base64OfHex(textOfBase64(sha256Hash)),
  }),
};
