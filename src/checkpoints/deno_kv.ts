/** Checkpoints in Deno KV, or in anything with its methods. */

import type { Checkpoint } from "../upload/checkpoint.ts";
import type { CheckpointStore } from "../upload/kept_checkpoints.ts";
import { SESSION_LIFETIME } from "../upload/session_lifetime.ts";
import { checkNames } from "./store_options.ts";

/** What is used of a `Deno.Kv`. */
export interface KeyValueStore {
  /** What is there, with `null` for nothing. */
  get(key: string[]): Promise<{ readonly value: unknown }>;
  /** Keeps a value for so many milliseconds at least. */
  set(key: string[], value: unknown, options?: { expireIn?: number }): Promise<unknown>;
  /** Forgets a value. */
  delete(key: string[]): Promise<unknown>;
}

/** How checkpoints are kept in Deno KV: options of {@linkcode denoKvCheckpoints}. */
export interface DenoKvOptions {
  /**
   * What their keys begin with; the last part is the key of the upload.
   *
   * @default {["resumable-media", "checkpoints"]}
   */
  prefix?: readonly string[] | undefined;
}

/**
 * Keeps checkpoints in Deno KV, which drops them after a week by itself. Deno KV takes keys of up to 2 KiB; a longer one is an
 * error of the store, of which `onCheckpointError` hears.
 *
 * @param kv what `await Deno.openKv()` returns
 * @throws {TypeError} `kv` is none, or an option is wrong
 *
 * @example
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { denoKvCheckpoints, type KeyValueStore } from "@resumable-media/upload/checkpoints";
 *
 * const backUp = (kv: KeyValueStore, bytes: Blob) =>
 *   upload(bytes, {
 *     bucket: "my-bucket",
 *     name: "backup.tar",
 *     key: "backup.tar",
 *     checkpoints: denoKvCheckpoints(kv), // kv: await Deno.openKv()
 *   });
 * console.log(typeof backUp); // function
 * ```
 */
export function denoKvCheckpoints(kv: KeyValueStore, options: DenoKvOptions = {}): CheckpointStore {
  const methods = ["get", "set", "delete"] as const;
  if (methods.some((name) => typeof kv?.[name] !== "function")) {
    throw new TypeError(
      "denoKvCheckpoints: expected a Deno.Kv, got something else; was it awaited?",
    );
  }
  checkNames(options, ["prefix"], "denoKvCheckpoints");
  const { prefix = ["resumable-media", "checkpoints"] } = options;
  if (!Array.isArray(prefix) || prefix.some((part) => typeof part !== "string")) {
    throw new TypeError("prefix: expected an array of texts");
  }
  const keyOf = (key: string) => [...prefix, key];
  return {
    get: async (key) => (await kv.get(keyOf(key))).value as Checkpoint | null,
    set: (key, checkpoint) => kv.set(keyOf(key), checkpoint, { expireIn: SESSION_LIFETIME }),
    delete: (key) => kv.delete(keyOf(key)),
  };
}
