/**
 * The network between the client and the proxy, which fails twice.
 *
 * @module
 */

import type { UploadProxy } from "@resumable-media/upload/worker";

/** Something with the shape of `fetch` that can be served; when it rejects, the connection is cut. */
interface Served {
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
}

/**
 * The proxy behind a network that cuts one chunk in its middle, neither the first nor the last where there are more, and
 * loses one last reply.
 */
export function unreliable(proxy: UploadProxy, size: number, chunkSize: number): Served {
  const cutAt = Math.floor(0.4 * Math.floor(size / chunkSize)) * chunkSize;
  let cuts = 1, losses = 1;
  return {
    async fetch(input, init) {
      const request = new Request(input, init);
      const range = request.headers.get("content-range") ?? "";
      const [, first, last, total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+)$/.exec(range) ?? [];
      if (first !== undefined && Number(first) === cutAt && cuts-- > 0) {
        const max = Math.floor(0.6 * (Number(last) + 1 - cutAt));
        await proxy.fetch(
          new Request(
            request,
            { body: request.body?.pipeThrough(cutAfter(max)), duplex: "half" } as RequestInit,
          ),
        );
        throw new Error("the connection is cut in the middle of a chunk");
      }
      const response = await proxy.fetch(request);
      // Streamed requests ask for a 200 in place of a 308, which says so.
      const isFinal = response.status === 200 &&
        !response.headers.has("x-http-status-code-override");
      if (total !== undefined && isFinal && losses-- > 0) {
        throw new Error("the last reply is lost");
      }
      return response;
    },
  };
}

/** Breaks off after so many bytes. */
function cutAfter(max: number): TransformStream<Uint8Array, Uint8Array> {
  let left = max;
  return new TransformStream({
    transform(piece, controller) {
      controller.enqueue(piece.subarray(0, left));
      left -= piece.length;
      if (left <= 0) controller.error(new Error("cut"));
    },
  });
}
