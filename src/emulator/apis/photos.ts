/**
 * Photos: uploads that are answered with a token in plain text.
 *
 * @module
 */

import { USUAL_GRANULARITY } from "../api_endpoint.ts";
import { invalid, reply } from "../emulator_replies.ts";
import { fileDestination } from "./files.ts";
import type { ApiPath } from "./api_path.ts";

/** The paths of Photos. */
export const PHOTOS: readonly ApiPath[] = [{
  path: /^\/v1\/uploads$/,
  upload: () => ({
    api: "photos",
    errors: "rpc",
    methods: ["POST"],
    protocols: ["x-goog-upload"],
    granularity: USUAL_GRANULARITY,
    finalQuery: "result",
    open(service, start) {
      if (start.metadata !== null) return invalid("The start of an upload must have no body.");
      return fileDestination(service, start, {
        api: "photos",
        errors: "rpc",
        method: "uploads",
        name: start.headers.get("x-goog-upload-file-name") ?? "",
        make() {
          const id = service.files.newId("token-");
          return { id, resource: id };
        },
        reply: (token) => reply(200, "text/plain; charset=UTF-8", String(token)),
      });
    },
  }),
}];
