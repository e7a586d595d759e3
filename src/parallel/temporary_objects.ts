/** The temporary objects of an upload by compose: their names, and how they are found and removed. */

import type { ListedObject, ObjectsListed } from "../protocol/compose.ts";
import {
  deleteRequest,
  listObjectsRequest,
  readDeleted,
  readObjects,
} from "../protocol/compose.ts";
import type { Reply } from "../net/send.ts";
import type { ObjectLocation } from "../protocol/object_url.ts";
import { request } from "../upload/request.ts";
import { forEachOf } from "./assembly.ts";
import { endless, type Sending } from "./multipart_requests.ts";

/** How long a request may be on its way that nobody waits for any more, in milliseconds. */
const ON_ITS_WAY = 1000;

/** How many are deleted at the same time. */
const CONCURRENCY = 8;

/** A temporary object that goes: whatever is there, or one generation of it. */
export interface Unneeded {
  readonly name: string;
  readonly generation?: string | undefined;
}

/** A page of a list. */
interface Listed {
  readonly answer: ObjectsListed;
  readonly reply: Reply;
}

/** Below one prefix; each is named after the parts that are in it. */
export class TemporaryObjects {
  readonly prefix: string;
  readonly #bucket: Omit<ObjectLocation, "name">;
  /** Those that may exist. */
  readonly #names = new Set<string>();

  constructor({ endpoint, bucket }: Omit<ObjectLocation, "name">, prefix: string) {
    this.#bucket = { endpoint, bucket };
    this.prefix = prefix;
  }

  /** Where the object is that holds these parts. */
  location(first: number, last: number): ObjectLocation {
    return { ...this.#bucket, name: `${this.prefix}${first}-${last}` };
  }

  /** Which parts an object holds; `undefined` for an object that is none of ours. */
  partsOf(name: string): { readonly first: number; readonly last: number } | undefined {
    const match = /^(\d{1,9})-(\d{1,9})$/.exec(name.slice(this.prefix.length));
    if (!match || !name.startsWith(this.prefix)) return undefined;
    const [first, last] = [Number(match[1]), Number(match[2])];
    return first >= 1 && first <= last ? { first, last } : undefined;
  }

  /** It may exist from now on. */
  note(name: string): void {
    this.#names.add(name);
  }

  /** It is gone. */
  forget(name: string): void {
    this.#names.delete(name);
  }

  /** All that exist. */
  async list({ transport, headers, policy, signal }: Sending): Promise<readonly ListedObject[]> {
    const objects: ListedObject[] = [];
    const pages = new Set<string | undefined>();
    let page: string | undefined;
    do {
      const head = listObjectsRequest(this.#bucket, this.prefix, headers, page);
      const { answer, reply }: Listed = await request(readObjects, {
        transport,
        request: { ...head, body: null },
        policy,
        signal,
        action: "list the temporary objects",
        isSession: false,
      });
      if (answer.next !== undefined && pages.has(answer.next)) throw endless(reply);
      // A server that overlooks the prefix lists what is none of ours, and would be deleted.
      objects.push(...answer.objects.filter(({ name }) => this.partsOf(name) !== undefined));
      page = answer.next;
      pages.add(page);
    } while (page !== undefined);
    for (const { name } of objects) this.note(name);
    return objects;
  }

  /** Removes some; returns those that were not there, which is no error. */
  async delete<O extends Unneeded>(
    objects: readonly O[],
    { transport, headers, policy, signal }: Sending,
  ): Promise<readonly O[]> {
    const statuses = await forEachOf(objects, CONCURRENCY, async ({ name, generation }) => {
      const { reply } = await request(readDeleted, {
        transport,
        request: { ...deleteRequest({ ...this.#bucket, name }, headers, generation), body: null },
        policy,
        signal,
        action: "delete a temporary object",
        isSession: false,
      });
      this.forget(name);
      return reply.status;
    });
    return objects.filter((_, i) => statuses[i] === 404);
  }

  /** Removes what may be left of them after the object was made, as far as it can: a lifecycle rule finds the rest. */
  async deleteLeftovers(sending: Sending): Promise<void> {
    await this.delete(this.#noted(), sending).catch(() => {});
  }

  /**
   * Removes all that may exist. What was not there is looked for once more: a request that was stopped when it was on its way
   * may have arrived.
   */
  async deleteAll(sending: Sending): Promise<void> {
    const absent = await this.delete(this.#noted(), sending);
    if (absent.length === 0) return;
    await sending.policy.clock.sleep(ON_ITS_WAY, sending.signal);
    await this.delete(absent, sending);
  }

  #noted(): readonly Unneeded[] {
    return [...this.#names].map((name) => ({ name }));
  }
}
