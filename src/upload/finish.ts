/** The result of a finished upload: read where the reply does not show it, and compared with what was sent. */

import { DataCorruption, InvalidResponse } from "../errors.ts";
import type { RetryPolicy } from "../net/retry.ts";
import type { Reply } from "../net/send.ts";
import type { Transport } from "../net/transport.ts";
import { isSuccess } from "../protocol/reply.ts";
import {
  type ChecksumOption,
  compareFacts,
  type Resource,
  type SentBytes,
  type UploadContext,
} from "../protocol/resource.ts";
import { expecting, request } from "./request.ts";

/** What is known when a result is compared. */
export interface FinishedUpload<T> {
  readonly reply: Reply;
  readonly value: T;
  readonly resource: Resource<T>;
  readonly context: UploadContext;
  readonly sent: SentBytes;
  readonly checksum: ChecksumOption;
  /** Whether the result must say something of the bytes: nothing has gone along that the server could compare them with. */
  readonly mustTell?: boolean | undefined;
}

/** The result, if it agrees with what was sent. */
export function provenResult<T>(
  { reply, value, resource, context, sent, checksum, mustTell }: FinishedUpload<T>,
): T {
  const cannot = "Cannot trust the finished object";
  if (resource.facts) {
    const facts = resource.facts(value, context);
    const problem = compareFacts(facts ?? {}, sent, checksum);
    const message = `${cannot}: ${problem?.message}`;
    if (problem?.kind === "differs") throw new DataCorruption(reply.response, message);
    if (problem) throw new InvalidResponse(reply.response, message);
    const tellsNothing = facts !== undefined &&
      Object.values(facts).every((fact) => fact === undefined);
    if (mustTell && checksum !== null && tellsNothing) {
      throw new InvalidResponse(
        reply.response,
        `${cannot}: expected it to report its size or a checksum, got neither ` +
          "(`fields` must contain them, or `checksum` be null)",
      );
    }
  }
  return resource.complete?.(value, { size: sent.size, ...context }) ?? value;
}

/** How a result is read again. */
export interface LookUpOptions {
  readonly transport: Transport;
  readonly headers: Headers;
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal | undefined;
}

/** The result as it is where results are kept; `undefined` where there is no such place, or nothing in it. */
export async function lookUp<T>(
  resource: Resource<T>,
  context: UploadContext,
  { transport, headers, policy, signal }: LookUpOptions,
): Promise<{ readonly value: T; readonly reply: Reply } | undefined> {
  const url = resource.lookup?.(context);
  if (url === undefined) return undefined;
  const { reply } = await request(expecting(({ status }) => isSuccess(status)), {
    transport,
    request: { method: "GET", url, headers, body: null },
    policy,
    signal,
    action: "look at the result",
    isSession: false,
  });
  const value = resource.read(reply);
  return value === undefined ? undefined : { value, reply };
}
