/** Whether there is a metadata server: whether this is a machine of Google Cloud. */

import { type Clock, within } from "../net/clock.ts";
import type { Transport } from "../net/transport.ts";

/** Where the metadata server is, on every machine of Google Cloud. */
export const METADATA_HOST = "metadata.google.internal";

/** How long it may take to answer, in milliseconds, and how often it is asked: the first packets of a new machine can be lost. */
const PROBE = { timeout: 1000, attempts: 3 };

/** Variables that only Cloud Run and Cloud Functions set. */
const SERVERLESS = ["K_SERVICE", "CLOUD_RUN_JOB", "FUNCTION_NAME"];

/** Asks the metadata server whether it is there, where no variable says so. Anybody else who answers is not it. */
export async function isMetadataServerThere(
  env: Readonly<Record<string, string | undefined>>,
  fetch: Transport,
  clock: Clock,
): Promise<boolean> {
  const detection = env.METADATA_SERVER_DETECTION?.trim().toLowerCase();
  if (detection === "none" || env.NO_GCE_CHECK?.toLowerCase() === "true") return false;
  if (detection === "assume-present" || SERVERLESS.some((name) => env[name])) return true;
  const host = env.GCE_METADATA_HOST || env.GCE_METADATA_IP || METADATA_HOST;
  for (let attempt = 0; attempt < PROBE.attempts; attempt++) {
    const answer = await probe(`http://${host}/computeMetadata/v1/instance`, fetch, clock);
    if (answer !== "late") return answer === "there";
  }
  return false;
}

async function probe(
  url: string,
  fetch: Transport,
  clock: Clock,
): Promise<"there" | "not there" | "late"> {
  const stop = new AbortController();
  const { signal } = stop;
  const asked = (async () => {
    try {
      const headers = { "metadata-flavor": "Google" };
      const reply = await fetch(url, { headers, redirect: "manual", signal });
      const isIt = reply.headers.get("metadata-flavor") === "Google";
      await reply.body?.cancel();
      return isIt ? "there" : "not there";
    } catch {
      return "not there"; // no such host, or nobody listens there
    }
  })();
  try {
    return await within<"there" | "not there" | "late">(PROBE.timeout, asked, () => "late", clock);
  } finally {
    stop.abort();
  }
}
