/** A checkpoint as stores keep it. */

import type { Checkpoint } from "../../mod.ts";

/** One of an upload of which so many bytes are stored. */
export const checkpoint = (persisted: number): Checkpoint => ({
  version: 1,
  uploadUrl: "https://storage.googleapis.com/upload/storage/v1/b/b/o?uploadType=resumable&name=a",
  sessionUrl: "https://storage.googleapis.com/upload/storage/v1/b/b/o?upload_id=a",
  chunkSize: 262_144,
  persisted,
  contentType: "image/png",
  checksum: "auto",
});
