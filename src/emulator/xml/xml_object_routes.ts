/**
 * Whole objects through the XML API: stored and removed in one request.
 *
 * @module
 */

import {
  invalid,
  isRefusal,
  NO_CACHE,
  notFound,
  type Refusal,
  refuse,
} from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";
import { headerPreconditions } from "../storage/preconditions.ts";
import { xmlSpec } from "../storage/spec.ts";
import { checksumProblem, framingProblem, notImplemented } from "./body_headers.ts";
import { xmlObjectReply } from "./xml_replies.ts";

/** Parameters that say who asks, not what is asked for. */
const HARMLESS = /^(?:x-goog-|x-amz-|x-id$|expires$|signature$|googleaccessid$|awsaccesskeyid$)/i;

/** Serves `PUT /{bucket}/{object}`. */
export async function putXmlObject(
  service: Service,
  bucket: string,
  name: string,
  { incoming, origin, corrupt }: Exchange,
): Promise<Response> {
  const { url, headers, body } = incoming;
  const target = { bucket, query: url.searchParams, headers, origin, size: null };
  const spec = otherMeaning(url, headers) ?? framingProblem(headers) ?? xmlSpec(target, name);
  if (isRefusal(spec)) {
    await body.drain();
    return refuse(spec, "xml");
  }
  const content = await service.newContent();
  if (corrupt) content.flipNextBit();
  for await (const piece of body.pieces()) content.append(piece);
  const mismatch = checksumProblem(headers, content);
  if (mismatch) return refuse(mismatch, "xml");
  const object = service.finalise(spec, content, {});
  return isRefusal(object) ? refuse(object, "xml") : xmlObjectReply(object);
}

/** Serves `DELETE /{bucket}/{object}`. */
export function deleteXmlObject(
  service: Service,
  bucket: string,
  name: string,
  { incoming }: Exchange,
): Response {
  const { url, headers } = incoming;
  const generation = url.searchParams.get("generation");
  const object = service.store.get(bucket, name);
  if (!object || (generation !== null && generation !== object.generation)) {
    return refuse(notFound("The specified key does not exist.", "NoSuchKey"), "xml");
  }
  const conditions = headerPreconditions(headers);
  if (isRefusal(conditions)) return refuse(conditions, "xml");
  const refusal = service.store.check(bucket, name, conditions);
  if (refusal) return refuse(refusal, "xml");
  service.store.delete(bucket, name);
  const type = { "content-type": "text/html; charset=UTF-8" };
  return new Response(null, { status: 204, headers: { ...NO_CACHE, ...type } });
}

/** A PUT can also copy, compose, or set what belongs to an object: its body is no object then. */
function otherMeaning({ searchParams }: URL, headers: Headers): Refusal | null {
  for (const name of searchParams.keys()) {
    if (!HARMLESS.test(name)) return notImplemented(`PUT with ${name} is not understood here.`);
  }
  for (const name of ["x-goog-copy-source", "x-amz-copy-source"]) {
    if (headers.has(name)) return notImplemented("Objects are not copied here.");
  }
  return headers.has("content-range") ? invalid("An object is stored as a whole.") : null;
}
