/**
 * Reads the JSON that describes an object to be.
 *
 * @module
 */

import { invalid, type Refusal } from "../emulator_replies.ts";

/** The longest JSON metadata, in bytes: 2 MiB. */
const MAX_METADATA_SIZE = 2_097_152;

/** Metadata that could be read. */
export interface ReadMetadata {
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Reads a metadata body; nothing at all stands for no metadata. */
export function readMetadata(bytes: Uint8Array): ReadMetadata | Refusal {
  if (bytes.length > MAX_METADATA_SIZE) {
    return invalid(`Metadata may have at most ${MAX_METADATA_SIZE} bytes, not ${bytes.length}.`);
  }
  const text = new TextDecoder().decode(bytes);
  if (text.trim() === "") return { metadata: {} };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return invalid(
      "Parse Error: Unexpected end of string. Expected : between key:value pair.\n" +
        text.slice(0, 80),
      "parseError",
    );
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return invalid("Parse Error: An object is expected.\n" + text.slice(0, 80), "parseError");
  }
  return { metadata: value as Record<string, unknown> };
}
