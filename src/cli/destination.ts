/** Where files go: the last argument of `cp`. */

import { shownArgument, UsageError } from "./usage_error.ts";

/** A place in a bucket. */
export interface BucketDestination {
  readonly kind: "bucket";
  readonly bucket: string;
  /** A name, or what names begin with; empty for the bucket itself. */
  readonly path: string;
}

/** Where files go. */
export type Destination =
  | BucketDestination
  /** A folder of Drive; `undefined` for the root. */
  | { readonly kind: "drive"; readonly folder: string | undefined }
  | { readonly kind: "gemini" }
  | { readonly kind: "youtube" };

const EXPECTED = "gs://BUCKET/NAME, drive:, drive:FOLDER_ID, gemini: or youtube:";

/** Reads a destination. */
export function destinationOf(text: string): Destination {
  const bucket = /^gs:\/\/([^/]*)(?:\/([^]*))?$/.exec(text);
  if (bucket) {
    if (!/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(bucket[1])) {
      throw new UsageError(
        `DEST: expected the name of a bucket after gs://, got ${shownArgument(text)}`,
      );
    }
    return { kind: "bucket", bucket: bucket[1], path: bucket[2] ?? "" };
  }
  const drive = /^drive:([\w-]*)$/.exec(text);
  if (drive) return { kind: "drive", folder: drive[1] || undefined };
  if (text === "gemini:") return { kind: "gemini" };
  if (text === "youtube:") return { kind: "youtube" };
  throw new UsageError(`DEST: expected ${EXPECTED}, got ${shownArgument(text)}`);
}

/** A destination as the user writes it. */
export function destinationText(destination: Destination): string {
  switch (destination.kind) {
    case "bucket":
      return `gs://${destination.bucket}/${destination.path}`;
    case "drive":
      return `drive:${destination.folder ?? ""}`;
    default:
      return `${destination.kind}:`;
  }
}

/** Whether files get names of their own below it, and not its own name. */
export function isContainer({ path }: BucketDestination): boolean {
  return path === "" || path.endsWith("/");
}

/** The name of an object below a prefix. */
export function below(path: string, name: string): string {
  const prefix = path.replace(/\/+$/, "");
  return prefix === "" ? name : `${prefix}/${name}`;
}
