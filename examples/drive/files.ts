/** Files in Drive: created, and given another content. Size and MD5 are compared with what was sent. */

import { type DriveFile, driveFile, upload } from "@resumable-media/upload";
import { staticTokenTransport } from "@resumable-media/upload/auth";

/** Drive, as somebody who is signed in sees it. */
export interface Drive {
  /** `https://www.googleapis.com`, or an emulator's. */
  readonly endpoint: string;
  /** An access token with the scope `https://www.googleapis.com/auth/drive.file`. */
  readonly token: string;
}

/** What Drive is asked to tell of a file. */
const QUERY = "uploadType=resumable&fields=id,name,size,md5Checksum,mimeType";

/** Makes a new file. */
export function createFile(file: File, drive: Drive): Promise<DriveFile> {
  return upload(file, {
    url: `${drive.endpoint}/upload/drive/v3/files?${QUERY}`,
    metadata: { name: file.name },
    resource: driveFile,
    transport: transportOf(drive),
  });
}

/** Puts another content into a file that is there. */
export function updateFile(id: string, file: File, drive: Drive): Promise<DriveFile> {
  return upload(file, {
    url: `${drive.endpoint}/upload/drive/v3/files/${encodeURIComponent(id)}?${QUERY}`,
    method: "PATCH",
    resource: driveFile,
    transport: transportOf(drive),
  });
}

/** The token goes to Drive alone, and only where an upload is started. */
function transportOf({ endpoint, token }: Drive) {
  return staticTokenTransport(token, { origins: [endpoint] });
}
