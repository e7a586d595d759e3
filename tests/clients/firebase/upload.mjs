// An upload with Firebase's client, in Node: `node upload.mjs '{"origin": …, "ticket": …, "name": …, "size": …}'` prints what
// came of it.

import process from "node:process";
import { initializeApp } from "@firebase/app";
import {
  connectStorageEmulator,
  deleteObject,
  getDownloadURL,
  getMetadata,
  getStorage,
  list,
  ref,
  uploadBytes,
  uploadBytesResumable,
  uploadString,
} from "@firebase/storage";

const { origin, ticket, name, size, customMetadata, way } = JSON.parse(process.argv[2]);
const { hostname, port } = new URL(origin);
const bytes = Uint8Array.from({ length: size }, (_, index) => index % 251);

// docs/clients.md shows what is between these lines.
const app = initializeApp({ projectId: "any", appId: "any", storageBucket: "my-bucket" });
const storage = getStorage(app);
connectStorageEmulator(storage, hostname, Number(port), { mockUserToken: ticket });
const metadata = { contentType: "image/png", customMetadata };
const task = uploadBytesResumable(ref(storage, name), bytes, metadata);
// docs/clients.md shows what is between these lines.

/** What else its users call, by names of our own. */
const others = {
  uploadBytes: (to) => uploadBytes(to, bytes, metadata),
  uploadString: (to) => uploadString(to, "x".repeat(size), "raw", metadata),
  getDownloadURL,
  getMetadata,
  deleteObject,
  list: (to) => list(to.parent),
};
const call = others[way];
if (call) {
  const otherName = `${name} by ${way}`;
  await task;
  try {
    await call(ref(storage, way.startsWith("upload") ? otherName : name));
    console.log("success");
  } catch (error) {
    console.log(`${error.code}: ${error.status ?? ""}`);
  }
  process.exit(0);
}
if (way === "pause") {
  let isPaused = false;
  task.on("state_changed", ({ state, bytesTransferred }) => {
    if (isPaused || state !== "running" || bytesTransferred === 0) return;
    isPaused = task.pause();
    setTimeout(() => task.resume(), 200);
  });
}

const told = [];
task.on("state_changed", ({ bytesTransferred }) => told.push(bytesTransferred), () => {});
try {
  const { state, metadata } = await task;
  console.log(`${state}: ${metadata.fullPath}, ${metadata.size} of ${told.at(-1)} bytes`);
} catch (error) {
  console.log(`${error.code}: ${error.status ?? ""}`);
}
process.exit(0); // it keeps timers
