/**
 * What was uploaded to APIs other than Cloud Storage.
 *
 * @module
 */

import type { ApiName, Destination, UploadStart } from "../api_endpoint.ts";
import type { ErrorForm } from "../emulator_replies.ts";
import type { Service } from "../service.ts";
import { hex } from "../storage/checksums.ts";
import type { Content } from "../storage/content.ts";
import { sizeProblem } from "../storage/spec.ts";

/** A finished upload to another API than Cloud Storage, for a test to look at. */
export interface EmulatedUpload {
  /** The API. */
  readonly api: ApiName;
  /** The method of the API, such as `files.create`. */
  readonly method: string;
  /** The id of the resource; an update keeps it. */
  readonly id: string;
  /** What `Slug` or `X-Goog-Upload-File-Name` said at the start. */
  readonly fileName: string | null;
  /** The media type of the bytes. */
  readonly mediaType: string;
  /** The metadata of the start as it was sent; `null` if there was none. */
  readonly metadata: Readonly<Record<string, unknown>> | null;
  /** Bytes. */
  readonly size: number;
  /** The bytes, or `undefined` with `store: "discard"`. Do not change them. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  /** The whole resource, whatever `fields` selected for the reply. */
  readonly resource: unknown;
}

/** Checksums in hexadecimal; without one that is not computed, or needs bytes that are not kept. */
export interface Sums {
  readonly md5?: string;
  readonly sha1?: string;
  readonly sha256?: string;
}

/** Finished uploads, in their order. */
export class Files {
  readonly list: EmulatedUpload[] = [];

  /** The last upload of that resource. */
  get(api: ApiName, id: string): EmulatedUpload | undefined {
    return this.list.findLast((upload) => upload.api === api && upload.id === id);
  }

  /** An id that no resource has yet. */
  newId(prefix: string): string {
    return `${prefix}${String(this.list.length + 1).padStart(8, "0")}${
      crypto.randomUUID().slice(0, 8)
    }`;
  }
}

/** How a file of an API is made of its bytes. */
export interface FileKind {
  readonly api: ApiName;
  readonly errors: ErrorForm;
  readonly method: string;
  /** What the session is called in the list of sessions. */
  readonly name: string;
  /** The id of the file, and its resource. */
  make(size: number, sums: Sums): { readonly id: string; readonly resource: unknown };
  reply(resource: unknown): Response;
}

/** An upload that becomes a file of that kind. */
export function fileDestination(
  service: Service,
  start: UploadStart,
  kind: FileKind,
): Destination {
  const mediaType = start.mediaType ?? "application/octet-stream";
  return {
    errors: kind.errors,
    bucket: "",
    name: kind.name,
    async finish(content) {
      const problem = sizeProblem(start.size, content);
      if (problem) return problem;
      const { size } = content;
      const sums = await sumsOf(content);
      const { id, resource } = kind.make(size, sums);
      service.files.list.push({
        api: kind.api,
        method: kind.method,
        id,
        fileName: start.headers.get("x-goog-upload-file-name") ?? start.headers.get("slug"),
        mediaType,
        metadata: start.metadata,
        size,
        bytes: content.bytes(),
        resource,
      });
      return { size, reply: () => kind.reply(resource) };
    },
  };
}

async function sumsOf(content: Content): Promise<Sums> {
  const md5 = content.md5();
  const bytes = content.bytes();
  return {
    ...(md5 && { md5: hex(md5) }),
    ...(bytes && { sha1: await digest("SHA-1", bytes), sha256: await digest("SHA-256", bytes) }),
  };
}

/** A digest in hexadecimal. */
export async function digest(
  algorithm: "SHA-1" | "SHA-256",
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest(algorithm, bytes)));
}
