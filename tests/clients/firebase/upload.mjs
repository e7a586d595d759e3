// An upload with Firebase's client, in Node: `node upload.mjs '{"origin": …, "ticket": …, "name": …, "size": …}'` prints what
// came of it.

import process from "node:process";
import { initializeApp } from "@firebase/app";
import { connectStorageEmulator, getStorage, ref, uploadBytesResumable } from "@firebase/storage";

const { origin, ticket, name, size, customMetadata } = JSON.parse(process.argv[2]);
const { hostname, port } = new URL(origin);
const bytes = Uint8Array.from({ length: size }, (_, index) => index % 251);

// docs/clients.md shows what is between these lines.
const app = initializeApp({ projectId: "any", appId: "any", storageBucket: "my-bucket" });
const storage = getStorage(app);
connectStorageEmulator(storage, hostname, Number(port), { mockUserToken: ticket });
const metadata = { contentType: "image/png", customMetadata };
const task = uploadBytesResumable(ref(storage, name), bytes, metadata);
// docs/clients.md shows what is between these lines.

const told = [];
task.on("state_changed", ({ bytesTransferred }) => told.push(bytesTransferred), () => {});
try {
  const { state, metadata } = await task;
  console.log(`${state}: ${metadata.fullPath}, ${metadata.size} of ${told.at(-1)} bytes`);
} catch (error) {
  console.log(`${error.code}: ${error.status ?? ""}`);
}
process.exit(0); // it keeps timers
