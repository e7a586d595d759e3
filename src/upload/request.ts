/** One request besides those for bytes: to start a session, to cancel one, to look at an object. */

import { attempt, retrying, type RetryPolicy } from "../net/retry.ts";
import type { Reply, SendRequest } from "../net/send.ts";
import type { Transport } from "../net/transport.ts";
import { readRefusal, type Refusal } from "../protocol/refusal.ts";
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

/** Sends a request, again where that may help, until `read` makes something else than a refusal of its reply. */
export async function request<R extends { readonly kind: string }>(
  read: (reply: Reply) => R | Refusal,
  { transport, request, policy, signal, action, isSession }: RequestOptions,
): Promise<{ readonly reply: Reply; readonly answer: Exclude<R, Refusal> }> {
  return await retrying(policy, signal, async () => {
    const result = await attempt(transport, request, policy, { signal, action });
    if (result.kind === "failed") return result;
    const { reply } = result;
    const answer = read(reply);
    if (!isRefusal(answer)) {
      return { kind: "done", value: { reply, answer: answer as Exclude<R, Refusal> } };
    }
    const error = refusalError(action, reply, answer, isSession);
    if (answer.kind !== "unavailable" && answer.kind !== "rejected") throw error;
    return { kind: "failed", error, retryAfter: reply.headers.get("retry-after") };
  });
}

/** Reads a reply that says nothing but whether it is the one that was hoped for. */
export function expecting(
  accept: (reply: Reply) => boolean,
): (reply: Reply) => { readonly kind: "accepted" } | Refusal {
  return (reply) => accept(reply) ? { kind: "accepted" } : readRefusal(reply);
}

const REFUSALS: readonly string[] = [
  "cancelled",
  "corrupt",
  "gap",
  "gone",
  "malformed",
  "no_result",
  "precondition",
  "refused",
  "rejected",
  "too_large",
  "unavailable",
] satisfies Refusal["kind"][];

function isRefusal(answer: { readonly kind: string }): answer is Refusal {
  return REFUSALS.includes(answer.kind);
}
