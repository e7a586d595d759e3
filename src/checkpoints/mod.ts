/**
 * Where {@linkcode CheckpointStore | checkpoints} outlive the program: in the browser's IndexedDB, and in Deno KV.
 * Files are in `@resumable-media/upload/file`; anything else is an object with `get`, `set` and `delete`.
 *
 * What is kept is a secret, since a checkpoint holds the URL of a session, with which anyone can go on with the upload for
 * a week. It is dropped when the upload is finished, and a week after it was written, when the session is no more.
 *
 * @example
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { indexedDbCheckpoints } from "@resumable-media/upload/checkpoints";
 *
 * const checkpoints = indexedDbCheckpoints();
 * const send = (file: File, session: string) =>
 *   upload(file, { session, checkpoints, key: `${file.name} ${file.size} ${file.lastModified}` });
 * console.log(typeof send); // function
 * ```
 *
 * @module
 */

export type { Checkpoint } from "../upload/checkpoint.ts";
export type { CheckpointStore } from "../upload/kept_checkpoints.ts";
export { denoKvCheckpoints, type DenoKvOptions, type KeyValueStore } from "./deno_kv.ts";
export { indexedDbCheckpoints, type IndexedDbOptions } from "./indexed_db.ts";
