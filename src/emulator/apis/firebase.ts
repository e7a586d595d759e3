/**
 * Firebase Storage v0: objects of Cloud Storage, with a token for downloads.
 *
 * @module
 */

import { USUAL_GRANULARITY } from "../api_endpoint.ts";
import { isRefusal, notFound, refuse, reply } from "../emulator_replies.ts";
import { bucketProblem } from "../storage/names.ts";
import { storageDestination, targetOf } from "../storage/endpoint.ts";
import type { EmulatedObject } from "../storage/object.ts";
import { jsonSpec } from "../storage/spec.ts";
import type { ApiPath } from "./api_path.ts";

/** The paths of Firebase Storage. */
export const FIREBASE: readonly ApiPath[] = [
  {
    path: /^\/v0\/b\/([^/]+)\/o\/?$/,
    upload: ([bucket]) => ({
      api: "firebase",
      errors: "json",
      methods: ["POST"],
      protocols: ["x-goog-upload"],
      granularity: USUAL_GRANULARITY,
      finalQuery: "size",
      admit: ({ settings }) => bucketProblem(bucket, settings.buckets),
      open(service, start) {
        const metadata = { ...start.metadata };
        // The client repeats the path of the object in its metadata, under another name.
        delete metadata.fullPath;
        const spec = jsonSpec(targetOf(bucket, start), metadata, start.mediaType);
        return isRefusal(spec) ? spec : storageDestination(service, spec, "json", objectReply);
      },
    }),
  },
  {
    path: /^\/v0\/b\/([^/]+)\/o\/(.+)$/,
    errors: "json",
    read(service, _exchange, [bucket, name]) {
      const object = service.store.get(bucket, name);
      return object ? objectReply(object) : refuse(notFound("Not Found.", "NoSuchKey"));
    },
  },
];

function objectReply({ resource }: EmulatedObject): Response {
  const { kind: _kind, id: _id, selfLink: _self, mediaLink: _media, ...shown } = resource;
  const downloadTokens = `00000000-0000-4000-8000-${resource.generation.slice(-12)}`;
  const text = JSON.stringify({ ...shown, downloadTokens });
  return reply(200, "application/json; charset=UTF-8", text);
}
