// Sends one whole upload with node:http, and prints the interim replies and the final one.
import http from "node:http";
import process from "node:process";

const [url, headers, size] = process.argv.slice(2);
const request = http.request(url, { method: "POST", headers: JSON.parse(headers) });
const replies = [];
request.on(
  "information",
  ({ statusCode, headers }) => replies.push({ status: statusCode, headers }),
);
request.on("response", (response) => {
  replies.push({ status: response.statusCode, headers: response.headers });
  response.resume().on("end", () => console.log(JSON.stringify(replies)));
});
request.end(new Uint8Array(Number(size)));
