// A program with the strictest settings: the declarations of the package are enough for it.

import {
  type StorageObject,
  type Transport,
  upload,
  UploadError,
  type UploadOptions,
} from "@resumable-media/upload";
import { staticTokenTransport } from "@resumable-media/upload/auth";
import { GcsEmulator } from "@resumable-media/upload/emulator";
import { type ServedEmulator, serveEmulator } from "@resumable-media/upload/emulator/serve";
import {
  createUploadProxy,
  type UploadProxy,
  type WorkerSettings,
} from "@resumable-media/upload/worker";

const gcs = new GcsEmulator();
export const transport: Transport = staticTokenTransport("ya29.a0", { fetch: gcs.fetch });
export const options: UploadOptions = { bucket: "my-bucket", name: "a.txt", transport };
export const settings: WorkerSettings = { GCS_BUCKET: "my-bucket" };
export const make: (o: Parameters<typeof createUploadProxy>[0]) => UploadProxy = createUploadProxy;
export const served: Promise<ServedEmulator> = serveEmulator(gcs);

try {
  const object: StorageObject = await upload("hello", {
    bucket: "my-bucket",
    name: "a.txt",
    transport,
  });
  const size: string = object.size;
  console.log(size);
} catch (error) {
  if (error instanceof UploadError && error.code === "session_gone") console.log(error.status);
}
// @ts-expect-error there is no such option
await upload("hello", { bucket: "my-bucket", name: "a.txt", chunksize: 1 });
