/** One request that composes an object, until it is known what came of it. */

import { DataCorruption, type UploadError } from "../errors.ts";
import { attempt, retrying, type Step } from "../net/retry.ts";
import type { Reply } from "../net/send.ts";
import { composeRequest, type ComposeSource, type Composition } from "../protocol/compose.ts";
import { readRefusal, type Refusal } from "../protocol/refusal.ts";
import { isSuccess } from "../protocol/reply.ts";
import {
  objectSize,
  parseObject,
  type StorageObject,
} from "../protocol/resources/storage_object.ts";
import { refusalError } from "../upload/refusal_error.ts";
import { isAsked, objectAt, type WholeObject } from "./assembly.ts";
import type { Sending } from "./multipart_requests.ts";

/** What is composed of what. */
export interface ComposeJob {
  readonly what: Pick<Composition, "location" | "destination" | "query">;
  readonly sources: readonly ComposeSource[];
  /** What the sources add up to. */
  readonly whole: WholeObject;
  /** Whether it is a temporary object: one of the same bytes is as good, whoever has made it. */
  readonly isTemporary: boolean;
  readonly sending: Sending;
}

/** The object. */
export interface Composed {
  readonly value: StorageObject;
  /** Whether no reply has said so, and it was found where it should be. */
  readonly isSettled: boolean;
}

/**
 * Composes an object.
 *
 * A request whose reply was lost is sent again, by us or by the runtime: if it has been executed, the sources are gone, or the
 * precondition fails, and then the object must be what the sources add up to.
 */
export async function composeObject(job: ComposeJob): Promise<Composed> {
  const { what, sources, whole, sending } = job;
  const { headers, policy, transport, signal } = sending;
  const { body, ...head } = composeRequest({ ...what, sources, headers });
  let earlier: UploadError | undefined; // a failure after which the object may be there
  return await retrying<Composed>(policy, signal, async () => {
    const options = { signal, action: "compose" };
    const result = await attempt(transport, { ...head, body }, policy, options);
    if (result.kind === "failed") {
      earlier = result.error;
      return result;
    }
    const { reply } = result;
    const answer = readComposed(reply);
    if (answer.kind === "composed") return compared(answer.object, reply, whole);
    const error = refusalError("compose", reply, answer, true);
    const retryAfter = reply.headers.get("retry-after");
    switch (answer.kind) {
      case "gone":
      case "precondition":
        return await settled(
          job,
          error,
          job.isTemporary || answer.kind === "gone" || earlier !== undefined,
        );
      case "unavailable":
      case "no_result":
        earlier = error;
        return { kind: "failed", error, retryAfter, mayPass: answer.kind === "no_result" };
      case "rejected":
        return { kind: "failed", error, retryAfter };
      default:
        throw error;
    }
  });
}

/** The object, if it is what the sources add up to; else the error. */
async function settled(
  { what, sources, whole, sending }: ComposeJob,
  error: UploadError,
  isLikely: boolean,
): Promise<Step<Composed>> {
  const object = await at(what.location);
  if (!object || !isAsked(object, whole, what.destination, what.query)) throw error;
  // An object that was there before, and happens to be the same, has not used up the sources.
  if (!isLikely && await at({ ...what.location, name: sources[0].name })) throw error;
  return { kind: "done", value: { value: object, isSettled: true } };

  async function at(location: Composition["location"]): Promise<StorageObject | undefined> {
    return (await objectAt(location, sending, sending.signal))?.value;
  }
}

function compared(value: StorageObject, reply: Reply, whole: WholeObject): Step<Composed> {
  const { crc32c } = value;
  const size = objectSize(value.size) ?? whole.size;
  const isOther = size !== whole.size ||
    (whole.crc32c !== undefined && crc32c !== undefined && crc32c !== whole.crc32c);
  if (!isOther) return { kind: "done", value: { value, isSettled: false } };
  throw new DataCorruption(
    reply.response,
    `Cannot trust the composed object: expected ${whole.size} bytes with crc32c ${whole.crc32c}, got ${size} with ${crc32c}`,
  );
}

function readComposed(
  reply: Reply,
): { readonly kind: "composed"; readonly object: StorageObject } | Refusal {
  if (!isSuccess(reply.status)) return readRefusal(reply);
  const object = parseObject(reply);
  return object
    ? { kind: "composed", object }
    : { kind: "no_result", problem: "expected the object as JSON" };
}
