/**
 * The upload method of Google's reference server, which knows no files, only sizes.
 *
 * @module
 */

import { USUAL_GRANULARITY } from "../api_endpoint.ts";
import { reply } from "../emulator_replies.ts";
import { fileDestination } from "./files.ts";
import type { ApiPath } from "./api_path.ts";

/** The path of the reference server. */
export const SHOWCASE: readonly ApiPath[] = [{
  path: /^(?:\/resumable)?\/upload\/v1beta1\/files:upload$/,
  upload: () => ({
    api: "showcase",
    errors: "rpc",
    methods: ["POST"],
    protocols: ["x-goog-upload"],
    granularity: USUAL_GRANULARITY,
    finalQuery: "result",
    open: (service, start) =>
      fileDestination(service, start, {
        api: "showcase",
        errors: "rpc",
        method: "UploadMedia",
        name: "",
        make(size) {
          const id = service.files.newId("sid-");
          return { id, resource: { name: id, size } };
        },
        reply: (resource) => reply(200, "application/json", JSON.stringify(resource)),
      }),
  }),
}];
