/** A parallel upload by compose: temporary objects, and the requests that make one object of them. */

import { UploadError } from "../errors.ts";
import type { RetryPolicy } from "../net/retry.ts";
import type { Reply, SendRequest } from "../net/send.ts";
import { combineCrc32c, decodeCrc32c, encodeCrc32c } from "../bytes/crc32c.ts";
import {
  composeGroups,
  type Composition as ComposeInput,
  type ListedObject,
  MAX_SOURCES,
} from "../protocol/compose.ts";
import type { Checksums } from "../protocol/hashes.ts";
import { readRefusal, type Refusal } from "../protocol/refusal.ts";
import { isSuccess } from "../protocol/reply.ts";
import {
  objectSize,
  parseObject,
  type StorageObject,
  storageObject,
} from "../protocol/resources/storage_object.ts";
import type { ObjectLocation } from "../protocol/object_url.ts";
import { uploadUrl, withParameter } from "../protocol/upload_url.ts";
import type { Part } from "../upload/feed.ts";
import { asMultipart, framedBody } from "../upload/framing.ts";
import {
  type Assembly,
  forEachOf,
  isAsked,
  objectAt,
  type Remains,
  type WholeObject,
} from "./assembly.ts";
import type { StoredPart } from "./parallel_checkpoint.ts";
import { composeObject } from "./compose_object.ts";
import type { Sending } from "./multipart_requests.ts";
import type { PartAnswer } from "./stored_part_sender.ts";
import type { PartRange } from "./plan.ts";
import { askedOf, type ParallelSetup } from "./parallel_settings.ts";
import { takenAway } from "./taken_away.ts";
import { TemporaryObjects } from "./temporary_objects.ts";

/** Neighbouring parts in one temporary object. */
interface Segment extends WholeObject {
  readonly first: number;
  readonly last: number;
  readonly generation: string;
}

/** Starts an upload by compose, or takes one up: nothing is sent for that. */
export function openComposition(
  setup: ParallelSetup,
  uploadId: string | undefined,
  signal: AbortSignal | undefined,
): Assembly {
  const random = crypto.getRandomValues(new Uint8Array(16));
  const run = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return new Composition(setup, uploadId ?? `${setup.temporaryPrefix}${run}/`, signal);
}

/** What one combines of several, each with its CRC32C. */
export function combined(parts: readonly WholeObject[]): WholeObject {
  let size = 0;
  let crc: number | undefined = 0;
  for (const part of parts) {
    const next = part.crc32c === undefined ? undefined : decodeCrc32c(part.crc32c);
    crc = crc === undefined || next === undefined ? undefined : combineCrc32c(crc, next, part.size);
    size += part.size;
  }
  return { size, crc32c: crc === undefined ? undefined : encodeCrc32c(crc) };
}

class Composition implements Assembly {
  readonly isOpened = false;
  readonly uploadId: string;
  readonly #setup: ParallelSetup;
  readonly #sending: Sending;
  readonly #temporary: TemporaryObjects;
  /** Those that were found when the upload was taken up, and are what the recorded parts add up to. */
  #found: readonly Segment[] = [];

  constructor(setup: ParallelSetup, uploadId: string, signal: AbortSignal | undefined) {
    const { transport, headers, policy, location } = setup;
    this.uploadId = uploadId;
    this.#setup = setup;
    this.#sending = { transport, headers, policy, signal };
    this.#temporary = new TemporaryObjects(location, uploadId);
  }

  request({ number }: PartRange, content: Part, sums: Checksums): SendRequest {
    const { metadata: { storageClass }, location: { endpoint, bucket } } = this.#setup;
    const { name } = this.#temporary.location(number, number);
    this.#temporary.note(name);
    const started = withParameter(uploadUrl(endpoint, bucket, name), "uploadType", "multipart");
    const headers = new Headers(this.#setup.headers);
    // The classes of all that is composed must be the same.
    const fields = storageClass === undefined ? {} : { storageClass };
    const framing = asMultipart(fields, "application/octet-stream", storageObject);
    const body = framedBody(content, framing, sums, headers);
    return { method: "POST", url: withParameter(started, "ifGenerationMatch", "0"), headers, body };
  }

  read(reply: Reply): PartAnswer | Refusal {
    if (!isSuccess(reply.status)) return readRefusal(reply);
    return answerOf(parseObject(reply)) ??
      { kind: "malformed", problem: "expected the temporary object with its generation" };
  }

  async find({ number }: PartRange): Promise<PartAnswer | undefined> {
    const object = await this.#objectAt(this.#temporary.location(number, number));
    return answerOf(object);
  }

  /** Only what was looked at: another process that goes on with this upload may have replaced it by a good one. */
  async discard({ number }: PartRange, { tag: generation }: PartAnswer): Promise<void> {
    const { name } = this.#temporary.location(number, number);
    await this.#temporary.delete([{ name, generation }], this.#sending);
  }

  /**
   * The parts that are stored as they were recorded. What nobody has recorded may be of another process that goes on with this
   * upload as well, and stays: a part that is in the way is found there when it is sent, and compared.
   */
  async remains(
    recorded: readonly StoredPart[],
    whole: WholeObject | undefined,
  ): Promise<Remains> {
    const objects = await this.#temporary.list(this.#sending);
    const byNumber = new Map(recorded.map((part) => [part.number, part]));
    const found = objects.map((object) => this.#segmentOf(object, byNumber));
    this.#found = found.filter((segment) => segment !== undefined);
    const isStored = ({ number }: StoredPart) =>
      this.#found.some(({ first, last }) => first <= number && number <= last);
    const parts = recorded.filter(isStored);
    if (parts.length === 0 && whole) {
      const object = await this.#finishedAs(whole);
      if (object) return { kind: "finished", object };
    }
    if (this.#setup.checksum === null) { // nothing would tell other bytes from these
      await this.#temporary.delete(objects.filter((_, i) => found[i] === undefined), this.#sending);
    }
    return { kind: "parts", parts };
  }

  /** Composes neighbours until one request can compose the rest; each request deletes what it was composed of. */
  async finish(parts: readonly StoredPart[], whole: WholeObject): Promise<StorageObject> {
    const { location, composeQuery: query, concurrency } = this.#setup;
    let segments = this.#segments(parts);
    const composed = async () => {
      while (segments.length > MAX_SOURCES) {
        const groups = composeGroups(segments);
        segments = await forEachOf(groups, concurrency, (group) => this.#composeSegment(group));
      }
      const what = { location, destination: askedOf(this.#setup), query };
      return await this.#compose(what, segments, whole, false);
    };
    const object = await composed().catch(async (error) => {
      if (!(error instanceof UploadError && error.code === "session_gone")) throw error;
      // Another process that goes on with this upload may have finished it.
      const found = await this.#finishedAs(whole);
      if (!found) throw error;
      return found;
    });
    await this.#temporary.deleteLeftovers(this.#sending);
    return storageObject.complete!(object, {
      startUrl: uploadUrl(location.endpoint, location.bucket, location.name),
      method: "POST",
      metadata: {},
      size: whole.size,
    });
  }

  async discardAll(policy: RetryPolicy): Promise<void> {
    await this.#temporary.deleteAll({ ...this.#sending, policy, signal: undefined });
  }

  /** The object, where it is there and is what this upload makes. */
  async #finishedAs(whole: WholeObject): Promise<StorageObject | undefined> {
    const { location, composeQuery } = this.#setup;
    const object = await this.#objectAt(location);
    return object && isAsked(object, whole, askedOf(this.#setup), composeQuery)
      ? object
      : undefined;
  }

  async #objectAt(location: ObjectLocation): Promise<StorageObject | undefined> {
    return (await objectAt(location, this.#sending, this.#sending.signal))?.value;
  }

  /** The parts as temporary objects, some of which were composed before. */
  #segments(parts: readonly StoredPart[]): readonly Segment[] {
    const segments: Segment[] = [];
    for (let i = 0; i < parts.length;) {
      const { number } = parts[i];
      const composed = this.#found.filter(({ first, last }) => first === number && last > number)
        .sort((a, b) => b.last - a.last)[0];
      const { size, crc32c, tag: generation } = parts[i];
      segments.push(composed ?? { first: number, last: number, size, crc32c, generation });
      i += composed ? composed.last - composed.first + 1 : 1;
    }
    return segments;
  }

  /** A temporary object, if it is what the recorded parts that its name speaks of add up to. */
  #segmentOf(
    { name, generation, size, crc32c }: ListedObject,
    recorded: ReadonlyMap<number, StoredPart>,
  ): Segment | undefined {
    const { first, last } = this.#temporary.partsOf(name) ?? { first: 1, last: 0 };
    if (last < first || last - first >= recorded.size) return undefined;
    const parts: StoredPart[] = [];
    for (let number = first; number <= last; number++) {
      const part = recorded.get(number);
      if (!part) return undefined;
      parts.push(part);
    }
    if (first === last && parts[0].tag !== generation) return undefined;
    const sums = combined(parts.map(({ size, crc32c }) => ({ size, crc32c })));
    if (sums.size !== size || (sums.crc32c !== undefined && sums.crc32c !== crc32c)) {
      return undefined;
    }
    return { first, last, generation, ...sums };
  }

  async #composeSegment(group: readonly Segment[]): Promise<Segment> {
    if (group.length === 1) return group[0];
    const { metadata: { storageClass } } = this.#setup;
    const [first, last] = [group[0].first, group[group.length - 1].last];
    const location = this.#temporary.location(first, last);
    this.#temporary.note(location.name);
    const destination = {
      contentType: "application/octet-stream",
      ...(storageClass !== undefined && { storageClass }),
    };
    const sums = combined(group);
    const query = { ifGenerationMatch: "0" };
    const composing = this.#compose({ location, destination, query }, group, sums, true);
    const { generation = "" } = await composing.catch((error) => {
      const isPrecondition = error instanceof UploadError && error.code === "precondition_failed";
      throw isPrecondition ? takenAway("compose", error) : error;
    });
    return { first, last, generation, ...sums };
  }

  async #compose(
    what: Pick<ComposeInput, "location" | "destination" | "query">,
    segments: readonly Segment[],
    whole: WholeObject,
    isTemporary: boolean,
  ): Promise<StorageObject> {
    const sources = segments.map(({ first, last, generation }) => ({
      name: this.#temporary.location(first, last).name,
      generation,
    }));
    const object = await composeObject({
      what,
      sources,
      whole,
      isTemporary,
      sending: this.#sending,
    });
    if (object.isSettled) {
      // It may be of an earlier request that had other sources: these may still be there, and are in nobody's way.
      await this.#temporary.delete(sources, this.#sending).catch(() => {});
    } else {
      for (const { name } of sources) this.#temporary.forget(name);
    }
    return object.value;
  }
}

function answerOf(object: StorageObject | undefined): PartAnswer | undefined {
  const { generation, crc32c, size } = object ?? {};
  if (generation === undefined) return undefined;
  return { kind: "stored", tag: generation, crc32c, size: objectSize(size) };
}
