/** What your page does: it uploads to a session that the server opens. */

import { type StorageObject, upload, type UploadProgress } from "@resumable-media/upload";

/** Uploads a file; asks for a session when it begins, and for another one if that is gone. */
export function send(
  file: File,
  onProgress: (progress: UploadProgress) => void,
): Promise<StorageObject> {
  const session = async () => {
    const body = JSON.stringify({ type: file.type, size: file.size });
    const response = await fetch("/session", { method: "POST", body });
    if (!response.ok) throw new Error(`no session: ${await response.text()}`);
    const { url } = await response.json();
    return url;
  };
  return upload(file, { session, onProgress });
}
