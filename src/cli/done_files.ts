/** Which files of a run are done where files have no names of their own: by their paths, in the lines of a manifest. */

import type { UploadSource } from "../bytes/source.ts";
import { PreviousRuns } from "../parallel/manifest.ts";
import { wordOf } from "./exit_code.ts";
import type { RunManifest } from "./run_state.ts";

/** A file that can be told from what it was before. */
export interface KnownFile {
  readonly path: string;
  readonly size: number;
  readonly lastModified: number;
}

/** The file of a source; `undefined` for what can be read once only, which is another one each time. */
export function knownFile(path: string | undefined, source: UploadSource): KnownFile | undefined {
  const { kind, size, lastModified } = source as {
    readonly kind?: unknown;
    readonly size?: number;
    readonly lastModified?: number;
  };
  const isFile = path !== undefined && kind === "file";
  return isFile ? { path, size: size!, lastModified: lastModified! } : undefined;
}

/** What earlier runs have done, and what this one adds. */
export class DoneFiles {
  readonly #destination: string;
  readonly #manifest: RunManifest | undefined;
  readonly #previous: PreviousRuns | undefined;

  private constructor(
    destination: string,
    manifest: RunManifest | undefined,
    previous: PreviousRuns | undefined,
  ) {
    this.#destination = destination;
    this.#manifest = manifest;
    this.#previous = previous;
  }

  /** Reads what is done at a destination. */
  static async read(destination: string, manifest: RunManifest | undefined): Promise<DoneFiles> {
    const previous = manifest?.previous === undefined
      ? undefined
      : await PreviousRuns.read(manifest.previous, destination);
    if (previous?.isTorn) await manifest!.write("\n");
    return new DoneFiles(destination, manifest, previous);
  }

  /** Whether the file is done, and has not changed since. */
  has({ path, ...facts }: KnownFile): boolean {
    return this.#previous?.has(path, facts, false) ?? false;
  }

  /** Adds a file that was uploaded, with what it has become. */
  async addUploaded({ path, size, lastModified }: KnownFile, value: unknown): Promise<void> {
    await this.#write(path, { status: "uploaded", size, lastModified, id: idOf(value) });
  }

  /** Adds a file that has failed. */
  async addFailed({ path }: Pick<KnownFile, "path">, error: unknown): Promise<void> {
    await this.#write(path, { status: "failed", code: wordOf(error) });
  }

  async #write(path: string, fields: object): Promise<void> {
    const line = { bucket: this.#destination, name: path, ...fields };
    await this.#manifest?.write(`${JSON.stringify(line)}\n`);
  }
}

/** By what an API knows the object: Gemini has it in `file.name`. */
export function idOf(value: unknown): string | undefined {
  const { id, file } = (value ?? {}) as { id?: unknown; file?: { name?: unknown } | null };
  const found = id ?? file?.name;
  return typeof found === "string" ? found : undefined;
}
