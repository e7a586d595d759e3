/** Taking items out of the caller's iterable, one when it is needed. */

import { abortable } from "../net/clock.ts";
import { checkItem, HeldItem, type UploadManyItem } from "./item.ts";

/** The iterator of an iterable of items, of either kind; its elements may be promises. */
export class Puller<I extends UploadManyItem> {
  readonly #iterator: Iterator<I> | AsyncIterator<I>;
  #isDone = false;

  /** Takes the iterator, at once. */
  constructor(files: Iterable<I> | AsyncIterable<I>) {
    const { [Symbol.asyncIterator]: start } = files as AsyncIterable<I>;
    this.#iterator = start ? start.call(files) : (files as Iterable<I>)[Symbol.iterator]();
  }

  /** The next item; `undefined` at the end. One that comes after `signal` has aborted is let go. */
  async next(signal: AbortSignal): Promise<{ readonly item: I } | undefined> {
    const asked = this.#ask();
    asked.then((late) => {
      if (signal.aborted && late) void new HeldItem(late.item).close(signal.reason, signal);
    }, () => {});
    return await abortable(asked, signal);
  }

  /** Tells the iterable that nobody wants more, unless it has ended; nobody waits for it. */
  release(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    void (async () => await this.#iterator.return?.())().catch(() => {});
  }

  async #ask(): Promise<{ readonly item: I } | undefined> {
    const { done, value } = await this.#next();
    if (!done) return { item: checkItem(await value) as I };
    this.#isDone = true;
    return undefined;
  }

  /** One that throws has ended by itself. */
  async #next(): Promise<IteratorResult<I>> {
    try {
      const result = await this.#iterator.next();
      if (typeof result === "object" && result !== null) return result;
      throw new TypeError(`files: expected next() to give { done, value }, got ${typeof result}`);
    } catch (error) {
      this.#isDone = true;
      throw error;
    }
  }
}
