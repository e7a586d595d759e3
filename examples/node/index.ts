import process from "node:process";
import worker from "@resumable-media/upload/worker";
import { nodeServer } from "./node_server.ts";

const settings = { ...process.env }; // read once: each look at the environment leaves JavaScript
const server = nodeServer((request, means) => worker.fetch(request, settings, means));
const { HOST: host = "127.0.0.1", PORT: port = "8080" } = process.env;
server.listen(Number(port), host, () => {
  const address = server.address();
  const at = typeof address === "object" ? address?.port : address;
  console.log(`Listening on http://${host}:${at}`);
});
// No new requests; those that are under way are answered.
process.once("SIGTERM", () => server.close());
