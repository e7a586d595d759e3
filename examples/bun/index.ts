import process from "node:process";
import worker from "@resumable-media/upload/worker";

/** What Bun serves: the default export of the program. */
const server: {
  hostname: string;
  port: number;
  idleTimeout: number;
  maxRequestBodySize: number;
  fetch(request: Request): Promise<Response>;
} = {
  hostname: process.env.HOST ?? "127.0.0.1",
  port: Number(process.env.PORT ?? 8080),
  // In seconds, and the most there is: the default of 10 would end an upload that stalls.
  idleTimeout: 255,
  // In bytes: above what the proxy itself allows, so that the refusal is the proxy's.
  maxRequestBodySize: 2 * Number(process.env.MAX_CHUNK_BYTES ?? 104_857_600),
  fetch: (request) => worker.fetch(request),
};
export default server;
