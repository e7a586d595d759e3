/** Who hears what became of the files: the manifest, and then the caller. */

import type { UploadManyItem } from "./item.ts";
import { lineOf, type ManifestWriter, writerOf } from "./manifest.ts";
import type { UploadManyOptions, UploadManyResult } from "./many_options.ts";

/** What a file came to, and what the manifest says of it. */
export interface Ended<I extends UploadManyItem> {
  readonly result: UploadManyResult<I>;
  readonly lastModified?: number | undefined;
  /** Whether the manifest knows already, or must not. */
  readonly isUnwritten?: boolean | undefined;
}

/** Tells of one file after the other, in the order in which they end. Once something was thrown, nobody hears more. */
export class Reports<I extends UploadManyItem> {
  readonly #options: UploadManyOptions<I>;
  readonly #writer: ManifestWriter | undefined;
  #last: Promise<void> = Promise.resolve();
  #hasFailed = false;

  constructor(options: UploadManyOptions<I>) {
    this.#options = options;
    this.#writer = writerOf(options.manifest?.write);
  }

  /** Ends a line that an earlier run has left unfinished. */
  async endLine(): Promise<void> {
    await this.#writer?.write("\n");
  }

  /** Resolves when everybody has heard of it; rejects with what one of them has thrown. */
  tell(ended: Ended<I>): Promise<void> {
    const told = this.#last.then(() => this.#tell(ended));
    this.#last = told.catch(() => {});
    return told;
  }

  /** Lets go of the manifest. */
  release(): void {
    this.#writer?.release();
  }

  async #tell({ result, lastModified, isUnwritten }: Ended<I>): Promise<void> {
    if (this.#hasFailed) return;
    try {
      const { bucket, onResult } = this.#options;
      if (!isUnwritten) await this.#writer?.write(lineOf(bucket, result, lastModified));
      await onResult?.(result);
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    }
  }
}
