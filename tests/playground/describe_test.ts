// What the playground says of requests, and which parts of them it marks as secrets.

import { assertEquals } from "@std/assert";
import type { Exchange } from "../../examples/playground/exchange.ts";
import { partsOf, shortened } from "../../examples/playground/tokens.ts";
import { purposeOf, resultOf } from "../../examples/playground/describe.ts";

function exchange(
  method: string,
  headers: Record<string, string> = {},
  rest: Partial<Exchange> = {},
): Exchange {
  return {
    ...{ id: 0, leg: "page to proxy", started: 0, method, body: "", sent: 0 },
    url: "https://page.example/upload/x?upload_id=1",
    headers: Object.entries(headers),
    ...rest,
  };
}

Deno.test("a request is named by what it is for, in all protocols", () => {
  const named: [string, Exchange][] = [
    ["Ask for a ticket", exchange("GET", {}, { leg: "page to backend" })],
    ["Start a session", exchange("POST")],
    ["Send all of it", exchange("POST", {}, { url: "https://x.example/?uploadType=multipart" })],
    ["Send 262 kB from 0 bytes on", exchange("PUT", { "content-range": "bytes 0-262143/*" })],
    [
      "Send 5 bytes from 10 bytes on, the last",
      exchange("PUT", {
        "content-range": "bytes 10-14/15",
      }),
    ],
    ["Ask what is stored", exchange("PUT", { "content-range": "bytes */*" })],
    ["Finish", exchange("PUT", { "content-range": "bytes */15" })],
    ["Give up", exchange("DELETE")],
    ["Start a session", exchange("POST", { "x-goog-upload-command": "start" })],
    [
      "Send from 10 bytes on, and finish",
      exchange("POST", {
        "x-goog-upload-command": "upload, finalize",
        "x-goog-upload-offset": "10",
      }),
    ],
    ["Finish", exchange("POST", { "x-goog-upload-command": "finalize" })],
    ["Ask what is stored", exchange("POST", { "x-goog-upload-command": "query" })],
    ["Give up", exchange("POST", { "x-goog-upload-command": "cancel" })],
    ["Ask what is stored", exchange("HEAD")],
    ["Send from 10 bytes on", exchange("PATCH", { "upload-offset": "10" })],
    ["Look at the object", exchange("GET")],
  ];
  for (const [words, request] of named) assertEquals(purposeOf(request), words);
});

Deno.test("a result says how much is stored, or how the connection ended", () => {
  const reply = (status: number, headers: Record<string, string> = {}) =>
    exchange("PUT", {}, { reply: { status, headers: Object.entries(headers), body: "" } });
  assertEquals(resultOf(reply(308, { range: "bytes=0-262143" })), "308, 262 kB stored");
  assertEquals(resultOf(reply(308)), "308, nothing stored");
  assertEquals(resultOf(reply(204, { "upload-offset": "10" })), "204, 10 bytes stored");
  assertEquals(resultOf(reply(200, { "x-goog-upload-status": "final" })), "200, finished");
  assertEquals(resultOf(reply(503)), "503");
  assertEquals(resultOf(exchange("PUT")), "Under way");
  assertEquals(resultOf(exchange("PUT", {}, { broken: true })), "The connection broke");
  const lost = exchange("PUT", {}, { broken: true, cause: "lose" });
  assertEquals(resultOf(lost), "The connection broke: the reply lost on purpose");
});

Deno.test("tickets, access tokens and the identifiers of sessions are marked, and nothing is left out", () => {
  const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ2In0.c2lnbmF0dXJl";
  const sealed = "eyJhbGciOiJkaXIifQ..aaaa.bbbb.cccc";
  const text = `PUT https://p.example/o?name=a&upload_id=${sealed}&x=1
authorization: Bearer ${jwt}
authorization: Bearer ya29.token

${jwt}`;
  const parts = partsOf(text);
  assertEquals(parts.map(({ text }) => text).join(""), text);
  assertEquals(parts.filter(({ secret }) => secret).map(({ text, secret }) => [secret, text]), [
    ["session", sealed],
    ["ticket", jwt],
    ["access token", "ya29.token"],
    ["ticket", jwt],
  ]);
  assertEquals(shortened(jwt), "eyJhbGciOiJI…bmF0dXJl");
  assertEquals(shortened("ya29.token"), "ya29.token");
});
