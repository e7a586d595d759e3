/** One playground: a backend, a proxy and an emulated Google, behind a network that can be made bad. A tab has its own. */

import { createUploadProxy, signUploadTicket } from "@resumable-media/upload/worker";
import type { Transport } from "@resumable-media/upload";
import { badNetwork, readChange } from "../../page/network.ts";
import { codeOf, readJob, RUN } from "../code.ts";
import { BUCKET, type Exchange, type PlaygroundState } from "../exchange.ts";
import { type Google, openGoogle } from "./google.ts";
import type { Journal, JournalEntry, PlaygroundRecord, Secrets } from "./journal.ts";
import { createRecorder, type Recorder } from "./recorder.ts";

/** A playground. */
export interface Playground {
  /** Answers a request of its page. */
  answer(request: Request): Promise<Response>;
}

/** What a playground needs. */
export interface PlaygroundOptions {
  readonly id: string;
  /** Its address, with a slash at its end. */
  readonly base: string;
  /** Which start of the worker this is. */
  readonly boot: string;
  /** What outlives the worker, where the browser keeps something. */
  readonly journal: Journal | undefined;
  /** Hears of each exchange, and again when it has changed. */
  readonly tell: (exchange: Exchange, lasting: boolean) => void;
}

/** Where the proxy and Google are, for those who have no page. */
const PROXY = "https://proxy.example";
const GOOGLE = "https://storage.googleapis.com";

/** The most bytes of a file: they are in the browser's memory. */
const MAX_BYTES = 250_000_000;

/** Opens a playground as the last worker has left it, or a new one. */
export async function openPlayground(options: PlaygroundOptions): Promise<Playground> {
  const { id, base, boot, journal, tell } = options;
  let lasting = journal !== undefined;
  const attempt = async <T>(action: (journal: Journal) => Promise<T>): Promise<T | undefined> => {
    if (!journal || !lasting) return undefined;
    try {
      return await action(journal);
    } catch {
      lasting = false; // no room: half of a story is none
      await journal.empty(id).catch(() => {});
      return undefined;
    }
  };
  const known = await attempt((journal) => journal.get(id));
  const network = badNetwork();
  if (known) network.set(known.network);
  const secrets = known?.secrets ?? { session: randomSecret(), ticket: randomSecret() };
  const remember = () => {
    const record: PlaygroundRecord = { id, secrets, used: Date.now(), network: network.state };
    return attempt((journal) => journal.put(record));
  };
  await remember();

  let google!: Google;
  let at = 0;
  const start = async (entries: readonly JournalEntry[]) => {
    at = (entries.at(-1)?.at ?? -1) + 1;
    google = await openGoogle(entries, async (entry) => {
      await attempt((journal) => journal.append({ ...entry, playground: id, at: at++ }));
    });
  };
  await start(await attempt((journal) => journal.entries(id)) ?? []);
  const before = await attempt((journal) => journal.exchanges(id)) ?? [];
  const recorder = createRecorder(before, (exchange) => {
    tell(exchange, lasting);
    if (exchange.ended) void attempt((journal) => journal.putExchange(id, { ...exchange }));
  });
  const proxy = createProxy(recorder, (request) => google.fetch(request), secrets);

  const carry = (
    leg: "page to proxy" | "page to Google",
    request: Request,
    serve: (request: Request) => Promise<Response>,
  ): Promise<Response> =>
    recorder.record(
      leg,
      request,
      (counted) => network.carry(counted, serve),
      (counted) => stopped.has(counted) ? "stopped" : network.faultOf(counted),
    );
  const stopped = new WeakSet<Request>();

  return {
    async answer(request) {
      const url = new URL(request.url);
      const path = request.url.slice(base.length).split("?")[0];
      if (path.startsWith("proxy/")) {
        const at = moved(`${base}proxy`, PROXY);
        return await carry(
          "page to proxy",
          request,
          async (request) => at.back(await proxy.fetch(at.there(request))),
        );
      }
      if (path.startsWith("google/")) {
        const at = moved(`${base}google`, GOOGLE);
        return await carry(
          "page to Google",
          request,
          async (request) => at.back(await google.fetch(at.there(request))),
        );
      }
      switch (path) {
        case "ticket":
          return await recorder.record(
            "page to backend",
            request,
            () => ticket(url, secrets.ticket),
          );
        case "send.js":
          return module(base, url.searchParams);
        case "network": {
          if (request.method === "POST") {
            const change = readChange(await request.json().catch(() => undefined));
            if (!change) return new Response("Expected speed or next", { status: 400 });
            network.set(change);
          }
          await remember();
          return json(network.state);
        }
        case "cut":
          return json({ cut: network.cut() });
        case "stop": { // a page that aborts a request is not heard of in every browser
          const { name } = await request.json();
          return json({
            cut: network.cut((request) => {
              const isIts = nameOf(request, recorder.exchanges) === name;
              if (isIts) stopped.add(request);
              return isIts;
            }),
          });
        }
        case "state": {
          const { exchanges } = recorder;
          return json({ boot, lasting, exchanges } satisfies PlaygroundState);
        }
        case "empty":
          network.cut();
          await attempt((journal) => journal.empty(id));
          recorder.clear();
          await start([]);
          return json({});
      }
      return new Response(null, { status: 404 });
    },
  };
}

/** The object that a request is about: it says so, or has the session of one that did. */
function nameOf(
  { url, headers }: { readonly url: string; readonly headers: Iterable<readonly [string, string]> },
  exchanges: readonly Exchange[],
): string | undefined {
  const { searchParams } = new URL(url);
  const name = searchParams.get("name");
  if (name !== null) return name;
  const tus = new Map(headers).get("upload-metadata")?.match(/(?:^|,)name ([^,]*)/);
  if (tus) return new TextDecoder().decode(Uint8Array.from(atob(tus[1]), (c) => c.charCodeAt(0)));
  const session = searchParams.get("upload_id");
  const start = session !== null &&
    exchanges.find(({ reply }) => reply?.headers.some(([, value]) => value.includes(session)));
  return start && start.url !== url ? nameOf(start, exchanges) : undefined;
}

/** The proxy, with the recorded line to Google behind it. */
function createProxy(
  recorder: Recorder,
  serve: (request: Request) => Promise<Response>,
  secrets: Secrets,
) {
  const line = (token: string | undefined): Transport => (url, init) => {
    const headers = new Headers(init.headers);
    if (token) headers.set("authorization", `Bearer ${token}`);
    const request = new Request(url, { ...init, headers, duplex: "half" } as RequestInit);
    return recorder.record("proxy to Google", request, serve);
  };
  return createUploadProxy({
    transport: line("the-proxys-own-access-token"),
    fetch: line(undefined),
    bucket: BUCKET,
    sessionSecrets: [secrets.session],
    tickets: { secret: secrets.ticket },
    maxUploadBytes: MAX_BYTES,
  });
}

/** The code of an upload, as a module for the page. */
function module(base: string, query: URLSearchParams): Response {
  const job = readJob(base, query);
  if (!job) return new Response("Expected a way to send a file", { status: 400 });
  const headers = { "content-type": "text/javascript; charset=UTF-8", "cache-control": "no-store" };
  return new Response(codeOf(job, RUN), { headers });
}

/** What a backend does: it says what somebody may upload. This one lets everybody. */
async function ticket(url: URL, secret: string): Promise<Response> {
  const name = url.searchParams.get("name");
  if (!name) return new Response("Expected the name of an object", { status: 400 });
  const ticket = await signUploadTicket(secret, { subject: "visitor", name }, { expiresIn: 300 });
  return new Response(ticket, { headers: { "content-type": "text/plain", ...NO_STORE } });
}

const NO_STORE = { "cache-control": "no-store" };

function json(value: unknown): Response {
  return Response.json(value, { headers: NO_STORE });
}

/** The headers of replies that say where an upload goes on. */
const ADDRESSES = ["location", "x-goog-upload-url", "x-goog-upload-control-url"] as const;

/** What is at one address in this page, and at another one by itself: its requests on their way there, its replies on theirs back. */
function moved(here: string, origin: string) {
  return {
    there: (request: Request): Request => {
      const { method, headers, body, signal } = request;
      const url = origin + request.url.slice(here.length);
      return new Request(url, { method, headers, body, signal, duplex: "half" } as RequestInit);
    },
    back: (response: Response): Response => {
      for (const name of ADDRESSES) {
        const value = response.headers.get(name);
        if (value?.startsWith(origin)) {
          response.headers.set(name, here + value.slice(origin.length));
        }
      }
      return response;
    },
  };
}

/** 32 random bytes in base64url. */
function randomSecret(): string {
  const text = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
