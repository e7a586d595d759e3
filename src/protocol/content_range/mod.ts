/** The wire protocol of `Content-Range` and 308, which Google calls the legacy one and Cloud Storage speaks. */

import type { UploadProtocol } from "../upload_protocol.ts";
import { readAnswer, readOpened } from "./content_range_replies.ts";
import {
  cancelRequest,
  chunkRequest,
  startRequest,
  statusRequest,
} from "./content_range_requests.ts";

/** The protocol that is spoken unless another one is asked for. */
export const contentRangeProtocol: UploadProtocol = {
  name: "content-range",
  start: startRequest,
  opened: readOpened,
  chunk: chunkRequest,
  status: statusRequest,
  cancel: cancelRequest,
  // 499 is how the session says that it is no more; 404 and 410 that it was not there any more.
  isCancelled: ({ status }) => [200, 204, 404, 410, 499].includes(status),
  answer: readAnswer,
};
