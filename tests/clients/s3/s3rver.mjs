// An S3 server with files in a folder, on a port of its own, whose address it prints: `node s3rver.mjs BUCKET FOLDER`.

import process from "node:process";
import S3rver from "s3rver";

const [bucket, directory] = process.argv.slice(2);
const server = new S3rver({
  address: "127.0.0.1",
  port: 0,
  silent: true,
  directory,
  configureBuckets: [{ name: bucket }],
});
const { port } = await server.run();
console.log(`http://127.0.0.1:${port}`);
