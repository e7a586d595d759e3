/// <reference lib="dom" />
/** Sends files to the proxy: asks the backend for a ticket, and keeps checkpoints. */

import { cancelUpload, type Checkpoint, upload } from "@resumable-media/upload";
import { fetchTicket, uploadTransport } from "./backend.ts";
import { chunkSizeFor } from "./chunk_size.ts";
import type { Sender } from "./sender.ts";
import type { PageSettings } from "./settings.ts";
import { problemOf } from "./error_words.ts";

/** A sender for the proxy that this page came from. */
export function proxySender(settings: PageSettings): Sender {
  const { retryDelay: initialDelay } = settings;
  return {
    async send(
      { file, record, sameFile, signal, remember, begin, onProgress, onSteady },
    ) {
      const { checkpoint } = record;
      const shared = {
        signal,
        retry: { initialDelay, maxDelay: 8000, maxAttempts: 10 },
        onProgress,
        onCheckpoint: (checkpoint: Checkpoint) => remember({ checkpoint }),
      };
      if (checkpoint) {
        begin(sameFile ? "starting" : "checking");
        const transport = uploadTransport(undefined, onSteady);
        return await upload(file, { checkpoint, transport, verifyPrefix: !sameFile, ...shared });
      }
      begin("starting");
      const { ticket, bucket, name } = await fetchTicket({ name: record.name }, signal);
      await remember({ target: { bucket, name } });
      return await upload(file, {
        endpoint: location.origin,
        bucket,
        name,
        chunkSize: chunkSizeFor(file.size, settings.chunkSize),
        transport: uploadTransport(ticket, onSteady),
        ...shared,
      });
    },
    async cancel({ checkpoint }) {
      if (!checkpoint) return "cancelled"; // a session that is not known yet expires by itself
      const transport = uploadTransport(undefined, () => {});
      try {
        await cancelUpload(checkpoint, { transport, retry: { initialDelay, maxAttempts: 3 } });
        return "cancelled";
      } catch {
        return "only here";
      }
    },
    problemOf: (error, file) => problemOf(error, { settings, file }),
  };
}
