// Uploads a file by a key, with its checkpoints in files, and kills itself at a request: `before` it is sent, or `after` its
// reply. Arguments: origin, file, folder of the checkpoints, moment, number of the request.

import { fileCheckpoints } from "../../src/file/file_checkpoints.ts";
import { type Transport, upload, UPLOAD_CHUNK_SIZE } from "../../mod.ts";

const [endpoint, file, folder, moment, number] = Deno.args;
let requests = 0;

function dieAt(now: string): void {
  if (now === moment && requests === Number(number)) Deno.kill(Deno.pid, "SIGKILL");
}

const transport: Transport = async (input, init) => {
  requests++;
  dieAt("before");
  const reply = await fetch(input, init);
  const bytes = await reply.arrayBuffer(); // the whole reply has arrived
  dieAt("after");
  const { status, headers } = reply;
  return new Response(bytes.byteLength > 0 ? bytes : null, { status, headers });
};

const object = await upload(new Blob([await Deno.readFile(file)]), {
  bucket: "my-bucket",
  name: "my file",
  endpoint,
  key: file,
  checkpoints: fileCheckpoints(folder),
  chunkSize: UPLOAD_CHUNK_SIZE,
  ifGenerationMatch: 0,
  retry: { initialDelay: 1 },
  transport,
  onCheckpointError(error) {
    throw error;
  },
});
console.log(object.size);
