/** One request besides those for bytes: to start a session, to cancel one, to look at an object. */

import { attempt, retrying, type RetryPolicy } from "../net/retry.ts";
import type { Reply, SendRequest } from "../net/send.ts";
import type { Transport } from "../net/transport.ts";
import { readRefusal } from "../protocol/refusal.ts";
import { refusalError } from "./refusal_error.ts";

/** A request and how it is sent. */
export interface RequestOptions {
  readonly transport: Transport;
  readonly request: SendRequest;
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal | undefined;
  /** What it is for, in messages: "Cannot …". */
  readonly action: string;
  /** Whether it is about an open session. */
  readonly isSession: boolean;
}

/** Sends a request, again where that may help, until `accept` takes its reply. */
export async function requestUntil(
  accept: (reply: Reply) => boolean,
  { transport, request, policy, signal, action, isSession }: RequestOptions,
): Promise<Reply> {
  return await retrying<Reply>(policy, signal, async () => {
    const result = await attempt(transport, request, policy, { signal, action });
    if (result.kind === "failed") return result;
    const { reply } = result;
    if (accept(reply)) return { kind: "done", value: reply };
    const refusal = readRefusal(reply);
    const error = refusalError(action, reply, refusal, isSession);
    if (refusal.kind !== "unavailable" && refusal.kind !== "rejected") throw error;
    return { kind: "failed", error, retryAfter: reply.headers.get("retry-after") };
  });
}
