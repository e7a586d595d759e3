/**
 * Objects made of other objects: `compose`.
 *
 * @module
 */

import { Content } from "../storage/content.ts";
import type { EmulatedObject } from "../storage/object.ts";
import { checkPreconditions, type Preconditions } from "../storage/preconditions.ts";
import { jsonSpec } from "../storage/spec.ts";
import { invalid, isRefusal, notFound, type Refusal, refuse } from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";
import { readMetadata } from "./metadata.ts";
import { objectReply } from "./json_view.ts";

/** How many objects one request can join. */
const MAX_SOURCES = 32;

/** A source as a client names it. */
interface Source {
  readonly name: string;
  /** `null`: the live one. */
  readonly generation: string | null;
  readonly preconditions: Preconditions;
}

/** What a request asks for. */
interface Composition {
  readonly sources: readonly Source[];
  readonly destination: Readonly<Record<string, unknown>>;
  readonly deletesSources: boolean;
}

/** Serves `POST /storage/v1/b/{bucket}/o/{object}/compose`. */
export async function compose(
  service: Service,
  bucket: string,
  name: string,
  { incoming, origin }: Exchange,
): Promise<Response> {
  const read = readMetadata(await incoming.body.bytes());
  if (isRefusal(read)) return refuse(read);
  const asked = readComposition(read.metadata);
  if (isRefusal(asked)) return refuse(asked);
  const query = new URLSearchParams(incoming.url.search);
  query.set("name", name);
  const target = { bucket, origin, query, headers: incoming.headers, size: null };
  // The checksums are what the service computes: whatever a client writes there is not compared.
  const { crc32c: _crc32c, md5Hash: _md5Hash, ...destination } = asked.destination;
  const spec = jsonSpec(target, destination, null);
  if (isRefusal(spec)) return refuse(spec);
  const sources = sourceObjects(service, bucket, asked.sources);
  if (isRefusal(sources)) return refuse(sources);
  const storageClass = commonClass(sources, spec.fields.storageClass);
  if (typeof storageClass !== "string") return refuse(storageClass);
  const refusal = service.store.check(bucket, name, spec.preconditions);
  if (refusal) return refuse(refusal);
  const object = service.store.put({
    bucket,
    name,
    origin,
    fields: { ...spec.fields, storageClass },
    content: Content.joined(sources.map((source) => service.store.contentOf(source))),
    componentCount: sources.reduce((sum, { resource }) => sum + (resource.componentCount ?? 1), 0),
  });
  // A source of the destination's name has been replaced already.
  const others = asked.deletesSources ? sources.filter((source) => source.name !== name) : [];
  for (const source of others) service.store.delete(bucket, source.name);
  return objectReply(object, spec.view);
}

function readComposition(
  { sourceObjects, destination, deleteSourceObjects }: Readonly<Record<string, unknown>>,
): Composition | Refusal {
  const list = sourceObjects ?? [];
  if (!Array.isArray(list)) return invalid("Invalid value for: sourceObjects");
  if (list.length === 0) {
    return invalid("You must provide at least one source component.", "required");
  }
  if (list.length > MAX_SOURCES) {
    return invalid(
      `The number of source components provided (${list.length}) exceeds the maximum ` +
        `(${MAX_SOURCES}).`,
    );
  }
  const sources: Source[] = [];
  for (const item of list) {
    const source = isRecord(item) ? readSource(item) : invalid("Invalid value for: sourceObjects");
    if (isRefusal(source)) return source;
    sources.push(source);
  }
  if (!isRecord(destination ?? {})) return invalid("Invalid value for: destination");
  if (!["boolean", "undefined"].includes(typeof (deleteSourceObjects ?? undefined))) {
    return invalid("Invalid value for: deleteSourceObjects");
  }
  return {
    sources,
    destination: (destination ?? {}) as Composition["destination"],
    deletesSources: deleteSourceObjects === true,
  };
}

function readSource(
  { name, generation, objectPreconditions }: Readonly<Record<string, unknown>>,
): Source | Refusal {
  if (typeof name !== "string" || name === "") {
    return invalid("Each source component must have a name.", "required");
  }
  const conditions = objectPreconditions ?? {};
  if (!isRecord(conditions)) return invalid("Invalid value for: objectPreconditions");
  const match = conditions.ifGenerationMatch ?? null;
  for (const number of [generation ?? null, match]) {
    // 64 bits are a string in Google's JSON, and a number is taken as well.
    if (number !== null && !/^\d+$/.test(String(number))) {
      return invalid(`Invalid value for: generation: ${number}`);
    }
  }
  return {
    name,
    generation: generation == null ? null : String(generation),
    preconditions: match === null ? {} : { generationMatch: Number(match) },
  };
}

/** The live objects that are named, if each is there as it is wanted. */
function sourceObjects(
  service: Service,
  bucket: string,
  sources: readonly Source[],
): EmulatedObject[] | Refusal {
  const objects: EmulatedObject[] = [];
  for (const { name, generation, preconditions } of sources) {
    const object = service.store.get(bucket, name);
    if (!object || (generation !== null && generation !== object.generation)) {
      return notFound(`No such object: ${bucket}/${name}`, "NoSuchKey");
    }
    const live = {
      generation: Number(object.generation),
      metageneration: Number(object.metageneration),
    };
    const refusal = checkPreconditions(preconditions, live);
    if (refusal) return refusal;
    objects.push(object);
  }
  return objects;
}

/** The storage class of all objects and of what they become. */
function commonClass(
  objects: readonly EmulatedObject[],
  requestedClass: string | undefined,
): string | Refusal {
  const classes = new Set(objects.map(({ resource }) => resource.storageClass));
  const [first] = classes;
  if (classes.size === 1 && (requestedClass ?? first) === first) return first;
  return invalid("The source objects and the destination must have the same storage class.");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
