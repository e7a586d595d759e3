/// <reference lib="dom" />
/** The other client: Uppy's dashboard, which uploads by tus to the same proxy, with the same tickets. */

import Uppy from "@uppy/core";
import Dashboard from "@uppy/dashboard";
import Tus from "@uppy/tus";
import type { AddFiles, DashboardOptions } from "./mount.ts";

/** Puts the dashboard on the page; the returned function hands files to it. */
export function mountUppy(options: DashboardOptions): AddFiles {
  const { target, retryDelay, say } = options;
  const uppy = new Uppy({ autoProceed: true });
  uppy.use(Dashboard, {
    inline: true,
    target,
    width: "100%",
    height: 430,
    theme: "auto",
    proudlyDisplayPoweredByUppy: false,
    disableThumbnailGenerator: true, // the page's policy takes no pictures from blobs
    note: "Uppy, by tus. It asks the proxy where to go on when the same file is added again.",
  });
  uppy.use(Tus, {
    endpoint: location.origin, // each file has its own, with its ticket
    limit: 3,
    retryDelays: [retryDelay, 2 * retryDelay, 4 * retryDelay, 8 * retryDelay, 8 * retryDelay],
  });
  uppy.addPreProcessor(async (ids) => {
    await Promise.all(ids.map(async (id) => {
      const { name, size, tus } = uppy.getFile(id);
      const { ticket, bucket } = await options.fetchTicket(name);
      uppy.setFileState(id, {
        tus: {
          ...tus,
          endpoint: `${location.origin}/upload/storage/v1/b/${bucket}/o`,
          headers: { authorization: `Bearer ${ticket}` },
          chunkSize: options.chunkSizeFor(size ?? 0),
        },
      });
    }));
  });
  uppy.on("upload-success", (file) => {
    say(`${file?.name}: stored, by Uppy`);
    options.onStored();
  });
  uppy.on("upload-error", (file, error) => {
    const message = wordsOf(error.message);
    say(`${file?.name}: ${message}`);
    uppy.info(message, "error", 10_000);
  });
  return (files) => {
    for (const file of files) {
      try {
        uppy.addFile({ name: file.name, type: file.type, data: file, source: "page" });
      } catch {
        // Uppy has said on the page why it does not take the file
      }
    }
  };
}

/** The proxy's words out of tus-js-client's, which name the request with its URL, a secret. */
function wordsOf(message: string): string {
  const found = /response text: (\{.*\}), request id/s.exec(message);
  try {
    return (JSON.parse(found?.[1] ?? "") as { error: { message: string } }).error.message;
  } catch {
    return "The upload has stopped. Try again.";
  }
}
