// @tus/server with its file store, as its documentation starts it: what the proxy is measured beside. FOLDER is where it writes.

import http from "node:http";
import process from "node:process";
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

const tus = new Server({
  path: "/files",
  datastore: new FileStore({ directory: process.env.FOLDER }),
});
const server = http.createServer((request, response) => tus.handle(request, response));
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
