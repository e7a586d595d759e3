/**
 * The live objects.
 *
 * @module
 */

import type { Content } from "./content.ts";
import { checkPreconditions, type Preconditions } from "./preconditions.ts";
import {
  type EmulatedObject,
  makeObject,
  type ObjectParts,
  type WritableFields,
} from "./object.ts";
import type { Refusal } from "../emulator_replies.ts";

/** Live objects by bucket and name; a new generation replaces the one before. */
export class ObjectStore {
  readonly #objects = new Map<string, EmulatedObject>();
  readonly #parts = new WeakMap<EmulatedObject, ObjectParts>();
  readonly #now: () => number;
  #lastGeneration = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The live object of that name. */
  get(bucket: string, name: string): EmulatedObject | undefined {
    return this.#objects.get(`${bucket}/${name}`);
  }

  /** The content of an object of this store. */
  contentOf(object: EmulatedObject): Content {
    return this.#parts.get(object)!.content;
  }

  /** What was set of an object of this store, by the client or for it. */
  fieldsOf(object: EmulatedObject): WritableFields {
    return this.#parts.get(object)!.fields;
  }

  /** Whether the live object of that name meets the conditions. */
  check(bucket: string, name: string, conditions: Preconditions): Refusal | null {
    const live = this.get(bucket, name);
    return checkPreconditions(
      conditions,
      live && {
        generation: Number(live.generation),
        metageneration: Number(live.metageneration),
      },
    );
  }

  /** Makes an object live. */
  put(parts: Omit<ObjectParts, "generation" | "created">): EmulatedObject {
    const created = this.#now();
    const generation = Math.max(Math.floor(created * 1000), this.#lastGeneration + 1);
    this.#lastGeneration = generation;
    return this.#keep({ ...parts, generation, created });
  }

  /** Gives the live object other fields. */
  update(object: EmulatedObject, fields: WritableFields): EmulatedObject {
    const parts = this.#parts.get(object)!;
    const metageneration = Number(object.metageneration) + 1;
    return this.#keep({ ...parts, fields, metageneration, updated: this.#now() });
  }

  #keep(parts: ObjectParts): EmulatedObject {
    const object = makeObject(parts);
    this.#parts.set(object, parts);
    this.#objects.set(`${parts.bucket}/${parts.name}`, object);
    return object;
  }

  /** Removes the live object of that name. */
  delete(bucket: string, name: string): void {
    this.#objects.delete(`${bucket}/${name}`);
  }

  /** The live objects, of one bucket or all, in the order of their names' code points. */
  list(bucket?: string): EmulatedObject[] {
    return [...this.#objects.values()]
      .filter((object) => bucket === undefined || object.bucket === bucket)
      .sort((a, b) => compare(a.bucket, b.bucket) || compare(a.name, b.name));
  }

  /** Removes everything. */
  clear(): void {
    this.#objects.clear();
  }
}

/** Compares by code point, which is also the order of the UTF-8 bytes. */
export function compare(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i].codePointAt(0)! - right[i].codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
