/** Bringing an open upload on: to the next confirmed bytes, to where the server stands, to its end. */

import { abortable } from "../net/clock.ts";
import { retrying, type RetryPolicy } from "../net/retry.ts";
import type { Transport } from "../net/transport.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { checkpointOf, type OpenUpload, type SessionSetup } from "./open.ts";
import type { UploadSession } from "./open_session.ts";

/** Sends until the server has confirmed more bytes, or the upload is finished. */
export function transmitNext<T>(
  session: UploadSession<T>,
  transport: Transport,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
): Promise<Response> {
  return retrying(policy, signal, () => session.step(transport, signal));
}

/** Asks the server what it holds, and goes there. */
export function recover<T>(
  session: UploadSession<T>,
  transport: Transport,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
): Promise<Response> {
  return retrying(policy, signal, async () => {
    const step = await session.ask(transport, signal);
    if (step.kind === "smaller") return { kind: "continue" };
    return step.kind === "stored" ? { kind: "done", value: step.reply.response } : step;
  });
}

/** How an upload is brought to its end. */
export interface DriveOptions {
  readonly transport: Transport;
  readonly onCheckpoint: ((checkpoint: Checkpoint) => void | Promise<void>) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Sends until the upload is finished; whatever else ends it closes it here. */
export async function drive<T>(
  setup: SessionSetup<T>,
  open: OpenUpload<T>,
  { transport, onCheckpoint, signal }: DriveOptions,
): Promise<T> {
  const { session } = open;
  const { policy } = setup.upload;
  try {
    while (!session.result) {
      if (session.state.kind === "interrupted") {
        await recover(session, transport, policy, signal);
        continue;
      }
      if (onCheckpoint) {
        await abortable(Promise.resolve(onCheckpoint(checkpointOf(setup, open))), signal);
      }
      await transmitNext(session, transport, policy, signal);
    }
    return session.result.value;
  } catch (error) {
    session.close(error);
    throw error;
  }
}
