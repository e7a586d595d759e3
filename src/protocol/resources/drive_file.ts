/** Drive's file, whose size and checksums are hexadecimal, and those of the bytes only where Drive has not converted them. */

import type { Resource, ResourceFacts } from "../resource.ts";
import { parameterOf } from "../upload_url.ts";
import { base64OfHex } from "./encoding.ts";
import { objectSize } from "./storage_object.ts";
import { json } from "./text.ts";

/** A file as Drive returns it: the fields that `fields=` asks for. */
export interface DriveFile {
  /** `drive#file`. */
  kind?: string | undefined;
  /** The file's ID. */
  id?: string | undefined;
  /** The file's name. */
  name?: string | undefined;
  /** The media type; that of a Google document begins with `application/vnd.google-apps.`. */
  mimeType?: string | undefined;
  /** The number of bytes, a decimal string. */
  size?: string | undefined;
  /** MD5, hexadecimal; only of files that are not Google documents. */
  md5Checksum?: string | undefined;
  /** SHA-1, hexadecimal. */
  sha1Checksum?: string | undefined;
  /** SHA-256, hexadecimal. */
  sha256Checksum?: string | undefined;
  /** Any other field. */
  [field: string]: unknown;
}

/** Fields that say something of the bytes. */
const TELLING = ["size", "md5Checksum", "sha256Checksum"];

/** What the type of a Google document begins with. */
const CONVERTED = "application/vnd.google-apps.";

function isConverted(type: unknown): boolean {
  return typeof type === "string" && type.startsWith(CONVERTED);
}

/**
 * Drive's file. Size, MD5 and SHA-256 are compared as far as `fields` on the URL asks for them (at least one of `size`,
 * `md5Checksum` and `sha256Checksum`), but not where Drive has converted the bytes to a Google document: size and checksums
 * are those of something else then. A size alone is not compared where the file may be one: ask for `mimeType` or a checksum,
 * too. Under `checksum: "auto"` MD5 is computed.
 *
 * Source: {@link https://developers.google.com/workspace/drive/api/reference/rest/v3/files#resource}
 *
 * @example
 * ```ts
 * import { driveFile, upload } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const file = await upload("hello", {
 *   url: "https://www.googleapis.com/upload/drive/v3/files?uploadType=resumable&fields=id,size,md5Checksum",
 *   metadata: { name: "hello.txt" },
 *   resource: driveFile,
 *   headers: { authorization: "Bearer ya29.a0" },
 *   transport: new GcsEmulator().fetch, // or one that adds credentials
 * });
 * console.log(file.md5Checksum); // 5d41402abc4b2a76b9719d911017c592
 * ```
 */
export const driveFile: Resource<DriveFile> = {
  expected: "the file as JSON",
  auto: "md5",
  reports: ["md5", "sha256"],
  read: json<DriveFile>().read,
  check(startUrl) {
    const fields = parameterOf(startUrl, "fields")?.split(/[,()/\s]+/) ?? [];
    if (fields.some((field) => field === "*" || TELLING.includes(field))) return;
    throw new TypeError(
      `url: expected \`fields\` with at least one of ${
        TELLING.join(", ")
      }, which driveFile compares, got ${fields.length > 0 ? "others" : "none"}`,
    );
  },
  facts(file, { metadata, method }): ResourceFacts | undefined {
    const { size, md5Checksum, sha256Checksum } = file;
    if (isConverted(metadata.mimeType) || isConverted(file.mimeType)) return undefined;
    // A file that is replaced may be a Google document, and so may one whose start is not known here. Those have no checksum.
    const isUnknown = method !== "POST" || Object.keys(metadata).length === 0;
    const showsType = file.mimeType !== undefined || md5Checksum !== undefined ||
      sha256Checksum !== undefined;
    if (isUnknown && !showsType) return undefined;
    return {
      size: objectSize(size),
      md5: base64OfHex(md5Checksum),
      sha256: base64OfHex(sha256Checksum),
    };
  },
};
