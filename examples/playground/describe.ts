/** Requests and replies in words. */

import { bytes } from "../page/format.ts";
import type { Cause, Exchange, Reply } from "./exchange.ts";

type Named = readonly (readonly [name: string, value: string])[];

const valueOf = (headers: Named, name: string) => headers.find(([key]) => key === name)?.[1];

/** What a request is for. */
export function purposeOf({ leg, method, url, headers }: Exchange): string {
  const header = (name: string) => valueOf(headers, name);
  if (leg === "page to backend") return "Ask for a ticket";
  const command = header("x-goog-upload-command");
  if (command) return byCommand(command, header("x-goog-upload-offset"));
  const range = header("content-range");
  if (range !== undefined) return byRange(range);
  const offset = header("upload-offset");
  if (offset !== undefined) return `Send from ${bytes(Number(offset))} on`;
  if (method === "HEAD") return "Ask what is stored";
  if (method === "DELETE") return "Give up";
  if (method === "GET") return "Look at the object";
  if (url.includes("uploadType=media") || url.includes("uploadType=multipart")) {
    return "Send all of it";
  }
  return "Start a session";
}

function byCommand(command: string, offset: string | undefined): string {
  if (command === "start") return "Start a session";
  if (command === "query") return "Ask what is stored";
  if (command === "cancel") return "Give up";
  if (!command.includes("upload")) return "Finish";
  const from = `Send from ${bytes(Number(offset))} on`;
  return command.includes("finalize") ? `${from}, and finish` : from;
}

function byRange(range: string): string {
  const sent = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(range);
  if (!sent) return range === "bytes */*" ? "Ask what is stored" : "Finish";
  const [from, to] = [Number(sent[1]), Number(sent[2]) + 1];
  const last = String(to) === sent[3] ? ", the last" : "";
  return `Send ${bytes(to - from)} from ${bytes(from)} on${last}`;
}

/** What came of a request. */
export function resultOf(exchange: Exchange): string {
  const { broken, cause, reply } = exchange;
  const result = broken ? "The connection broke" : reply ? resultOfReply(reply) : "Under way";
  return cause ? `${result}: ${CAUSES[cause]}` : result;
}

function resultOfReply({ status, headers }: Reply): string {
  const range = /^(?:bytes=)?0-(\d+)$/.exec(valueOf(headers, "range") ?? "");
  const stored = range
    ? Number(range[1]) + 1
    : Number(valueOf(headers, "x-goog-upload-size-received") ?? valueOf(headers, "upload-offset"));
  if (status < 400 && !Number.isNaN(stored)) return `${status}, ${bytes(stored)} stored`;
  if (status === 308) return "308, nothing stored";
  if (valueOf(headers, "x-goog-upload-status") === "final" && status === 200) {
    return "200, finished";
  }
  return String(status);
}

/** What was done on purpose. */
const CAUSES: Readonly<Record<Cause, string>> = {
  cut: "cut on purpose",
  lose: "the reply lost on purpose",
  busy: "busy on purpose",
  corrupt: "a bit flipped on purpose",
  gone: "forgotten on purpose",
  stopped: "the page stopped it",
};
