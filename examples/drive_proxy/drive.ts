/**
 * Drive as a place where the upload proxy puts files: a backend of your own in a few lines. Every client of the proxy can use
 * it: ours, Google's, tus.
 *
 * @module
 */

import type { Transport } from "@resumable-media/upload";
import { apiBackend, type Backend, HttpError } from "@resumable-media/upload/worker";

/** Where the backend finds Drive. */
export interface DriveOptions {
  /** Sends starts with the operator's token: `authorizedUserTransport` of `./auth`, for example. */
  readonly transport: Transport;
  /** Sends requests on sessions, which need no token; `fetch` without it. */
  readonly fetch?: Transport | undefined;
  /** The ID of the folder that files go to; without it, the root of the operator's Drive. */
  readonly folder?: string | undefined;
  /** Google, or an emulator. */
  readonly endpoint?: string | undefined;
}

/** The backend `drive`, at `/upload/drive/v3/files` of the proxy: as at Drive itself. */
export function drive(
  { transport, fetch, folder, endpoint = "https://www.googleapis.com" }: DriveOptions,
): Backend {
  return apiBackend({
    name: "drive",
    path: /^\/upload\/drive\/v3\/files$/,
    url: `${endpoint}/upload/drive/v3/files?uploadType=resumable&supportsAllDrives=true` +
      "&fields=id,name,mimeType,size,md5Checksum",
    transport,
    fetch,
    // What a client may say of its file. Whatever is not known here is refused, so that no client chooses its folder.
    describe({ name, mimeType, ...others }) {
      const known = [name, mimeType].every((value) =>
        value === undefined || typeof value === "string"
      );
      if (!known || Object.keys(others).length > 0) {
        throw new HttpError(
          400,
          "invalid",
          "Expected name and mimeType as texts, and nothing else",
        );
      }
      return { name: name as string | undefined, contentType: mimeType as string | undefined };
    },
    metadata: ({ name, contentType }) => ({
      name: name || "untitled",
      mimeType: contentType,
      ...(folder !== undefined && { parents: [folder] }),
    }),
    // What is shown to the client, and told to `onFinish`.
    read({ id, name, mimeType, size, md5Checksum }) {
      if (typeof id !== "string" || typeof size !== "string") return undefined;
      const uri = `https://drive.google.com/file/d/${id}`;
      return {
        name: id,
        size: Number(size),
        uri,
        resource: { id, name, mimeType, size, md5Checksum },
      };
    },
  });
}
