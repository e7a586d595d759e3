/**
 * Changes to what describes an object: `patch`.
 *
 * @module
 */

import { invalid, isRefusal, refuse } from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";
import { jsonSpec } from "../storage/spec.ts";
import { liveObject } from "./json_object_routes.ts";
import { objectReply } from "./json_view.ts";
import { readMetadata } from "./metadata.ts";

/**
 * Serves `PATCH /storage/v1/b/{bucket}/o/{object}`: what the body names is replaced, `null` takes it away, and custom metadata is
 * merged by key. The bytes and the generation stay, the metageneration is one more.
 */
export async function patchObject(
  service: Service,
  bucket: string,
  name: string,
  { incoming, origin }: Exchange,
): Promise<Response> {
  const read = readMetadata(await incoming.body.bytes());
  if (isRefusal(read)) return refuse(read);
  const object = liveObject(service, bucket, name, incoming.url.searchParams);
  if (isRefusal(object)) return refuse(object);
  const before = service.store.fieldsOf(object);
  const { metadata } = read.metadata;
  if (typeof (metadata ?? {}) !== "object" || Array.isArray(metadata)) {
    return refuse(invalid("Invalid value for: metadata"));
  }
  const query = new URLSearchParams(incoming.url.search);
  query.set("name", name);
  const target = { bucket, origin, query, headers: incoming.headers, size: null };
  const merged = metadata === null ? null : { ...before.metadata, ...metadata as object };
  // What is computed, such as checksums and the name, no client can change: Google passes it over.
  const { crc32c: _crc32c, md5Hash: _md5Hash, name: _name, bucket: _bucket, ...patch } =
    read.metadata;
  const spec = jsonSpec(target, { ...before, ...patch, metadata: merged }, null);
  if (isRefusal(spec)) return refuse(spec);
  return objectReply(service.store.update(object, spec.fields), spec.view);
}
