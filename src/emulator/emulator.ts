/**
 * The emulator itself: takes requests, applies faults, keeps the log.
 *
 * @module
 */

import type { EmulatedUpload } from "./apis/files.ts";
import { allowOrigin } from "./bucket_cors.ts";
import { dispatch } from "./dispatch.ts";
import { FaultPlan, type RandomFaults } from "./faults/fault_plan.ts";
import { type Fault, faultName } from "./faults/faults.ts";
import { type Incoming, readRequest } from "./incoming.ts";
import { injectedRefusal, never, rewriteHeaders, withFault } from "./faults/injection.ts";
import { InjectedCut } from "./incoming_body.ts";
import type { EmulatedObject } from "./storage/object.ts";
import { type GcsEmulatorOptions, settingsOf } from "./emulator_options.ts";
import { finished, untilAborted } from "./outgoing.ts";
import { type OpenRecord, openRecord, type RequestRecord } from "./record.ts";
import { errorsOf, kindOf, type Route, routeOf } from "./route.ts";
import { newId, Service } from "./service.ts";
import type { EmulatedMultipartUpload } from "./storage/xml_multipart_upload.ts";
import type { EmulatedSession, Session } from "./storage/stored_session.ts";
import { standingReply } from "./json/json_session_routes.ts";

/**
 * A Google Cloud Storage endpoint inside the process, with the shape of `fetch`.
 *
 * Give its {@linkcode GcsEmulator.fetch} to anything that takes a `fetch`, or serve it on a socket. It knows
 * simple, multipart and resumable uploads through the JSON API, resumable and multipart uploads through the XML API,
 * composing objects, and reading, listing and deleting what was uploaded; it makes things go wrong on demand. It also speaks
 * `X-Goog-Upload`, and takes uploads to Drive, Gemini, YouTube, Photos and Firebase.
 *
 * Everything is in memory and ends with the process. Nothing is checked that needs Google's keys: signatures
 * and tokens are accepted unless `authorize` says otherwise.
 *
 * @example An upload, and what became of it
 * ```ts
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const gcs = new GcsEmulator();
 * const start = await gcs.fetch(
 *   "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=resumable&name=a.txt",
 *   { method: "POST" },
 * );
 * await gcs.fetch(start.headers.get("location")!, { method: "PUT", body: "hello" });
 *
 * console.log(gcs.get("my-bucket", "a.txt")?.size); // 5
 * ```
 *
 * @example The reply to the last request is lost
 * ```ts
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const gcs = new GcsEmulator();
 * gcs.inject({ on: "final", drop: "after" });
 * ```
 *
 * @example A file for Gemini, with the other wire protocol
 * ```ts
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const gcs = new GcsEmulator();
 * const start = await gcs.fetch(
 *   "https://generativelanguage.googleapis.com/upload/v1beta/files?key=any",
 *   {
 *     method: "POST",
 *     body: JSON.stringify({ file: { displayName: "Notes" } }),
 *     headers: { "x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start" },
 *   },
 * );
 * const end = await gcs.fetch(start.headers.get("x-goog-upload-url")!, {
 *   method: "POST",
 *   body: "hello",
 *   headers: { "x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0" },
 * });
 * console.log((await end.json()).file.sizeBytes, gcs.uploads.length); // 5 1
 * ```
 */
export class GcsEmulator {
  /**
   * Answers a request as Google would. Takes the arguments of `fetch` and can be passed around alone.
   *
   * A body in memory must not be changed before the promise settles; it is not copied before it is
   * processed. A stream as a body needs `duplex: "half"`, and is read one piece at a time. `redirect: "error"` refuses a 308,
   * as `fetch` does; no redirect is followed.
   *
   * It rejects with the signal's reason when the request is aborted, and with a `TypeError` when the
   * request cannot be sent, its body fails, or a fault breaks the connection.
   */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

  readonly #service: Service;
  readonly #faults: FaultPlan;
  #requests: OpenRecord[] = [];

  /**
   * Starts with no objects.
   *
   * @throws {TypeError} if an option is not known, or an origin or a bucket name is not valid.
   * @throws {RangeError} if a number cannot be.
   */
  constructor(options: GcsEmulatorOptions = {}) {
    this.#service = new Service(settingsOf(options));
    this.#faults = new FaultPlan(options.seed ?? 1);
    this.fetch = (input, init) => this.#fetch(input, init);
  }

  /** The live object of that name, if there is one. */
  get(bucket: string, name: string): EmulatedObject | undefined {
    return this.#service.store.get(bucket, name);
  }

  /** The live objects, ordered by bucket and name. */
  get objects(): readonly EmulatedObject[] {
    return this.#service.store.list();
  }

  /** The finished uploads to APIs other than Cloud Storage and Firebase, in the order of their ends. */
  get uploads(): readonly EmulatedUpload[] {
    return this.#service.files.list;
  }

  /** All requests so far, in the order of their arrival. */
  get requests(): readonly RequestRecord[] {
    return this.#requests;
  }

  /** All sessions so far, in the order of their start, as they stand now. */
  get sessions(): readonly EmulatedSession[] {
    const sessions = [...this.#service.sessions.values()].sort((a, b) => a.index - b.index);
    return sessions.map((session) => ({
      index: session.index,
      api: session.endpoint.api,
      protocol: session.protocol,
      bucket: session.destination.bucket,
      name: session.destination.name,
      phase: session.state.phase,
      persisted: session.persisted,
      started: session.started,
    }));
  }

  /** All multipart uploads of the XML API so far, in the order of their start, as they stand now. */
  get multipartUploads(): readonly EmulatedMultipartUpload[] {
    return this.#service.multipartUploads.shown();
  }

  /**
   * Makes requests go wrong. Each request gets the first fault that applies to it; a fault that has been
   * used up is gone.
   *
   * @throws {TypeError} if a fault has no action, more than one, or a property that means nothing.
   * @throws {RangeError} if a number in a fault cannot be.
   *
   * @example
   * ```ts
   * import { GcsEmulator } from "@resumable-media/upload/emulator";
   *
   * const gcs = new GcsEmulator();
   * gcs.inject(
   *   { on: "chunk", cut: 300_000 },
   *   { on: "status", status: 503, times: 2 },
   * );
   * ```
   */
  inject(...faults: Fault[]): void {
    this.#faults.inject(faults);
  }

  /**
   * Makes requests go wrong at random, by the emulator's seed; `null` ends it. Scripted faults come first.
   *
   * @throws {RangeError} if the rates cannot be.
   *
   * @example
   * ```ts
   * import { GcsEmulator } from "@resumable-media/upload/emulator";
   *
   * const gcs = new GcsEmulator({ seed: 42 });
   * gcs.randomFaults({ cut: 0.1, dropAfter: 0.1, status: 0.2 });
   * ```
   */
  randomFaults(options: RandomFaults | null): void {
    this.#faults.randomFaults(options);
  }

  /** Forgets objects, uploads, sessions, multipart uploads, requests and faults. */
  reset(): void {
    this.#service.reset();
    this.#faults.reset();
    this.#requests = [];
  }

  async #fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const incoming = readRequest(input, init);
    const { signal } = incoming;
    if (signal?.aborted) {
      incoming.body.cancel(signal.reason);
      throw signal.reason;
    }
    return await untilAborted(
      this.#serve(incoming),
      signal,
      () => incoming.body.cancel(signal?.reason),
    );
  }

  async #serve(incoming: Incoming): Promise<Response> {
    const route = routeOf(incoming);
    const id = incoming.url.searchParams.get("upload_id");
    const session = id === null ? undefined : this.#service.sessions.get(id);
    // What asks for faults is not hit by them, and is nobody's upload: it is not in the log.
    if (route.to === "retry test") return this.#answer(route, undefined, incoming, null);
    const kind = kindOf(route, incoming, session);
    const record = openRecord(this.#requests.length, incoming, kind, session?.index ?? null);
    this.#requests.push(record);
    const fault = this.#instructed(incoming, record, session) ??
      this.#service.scenarios.take(record.kind, incoming.headers, session) ??
      this.#faults.take(record, incoming.body.length);
    if (fault) record.fault = faultName(fault);
    const response = await this.#answer(route, session, incoming, fault);
    record.status = response.status;
    return finished(incoming, response);
  }

  async #answer(
    route: Route,
    session: Session | undefined,
    incoming: Incoming,
    fault: Fault | null,
  ): Promise<Response> {
    const { settings } = this.#service;
    const pause = () => this.#pause(fault?.delay ?? 0, incoming.signal, session);
    if (fault?.delay === Infinity && fault.stall === undefined) await never(incoming.signal);
    if (fault?.delay && fault.stall === undefined) await pause();
    const exchange = {
      incoming,
      origin: settings.origin ?? incoming.url.origin,
      corrupt: fault?.corrupt !== undefined,
      expire: fault?.expire ?? null,
      refusal: fault?.refuse === undefined ? null : injectedRefusal(fault.refuse, fault.reason),
    };
    const response = await withFault(fault, {
      incoming,
      errors: errorsOf(route),
      run: () => dispatch(this.#service, route, session, exchange),
      pause,
      progress: () => standingReply(this.#service, session, exchange),
    });
    if (fault?.move && session) this.#move(session, response, incoming);
    if (!response.headers.has("x-guploader-uploadid")) {
      response.headers.set("x-guploader-uploadid", session?.id ?? newId());
    }
    response.headers.set("server", "UploadServer");
    allowOrigin(response, incoming.headers.get("origin"), settings.cors, session);
    rewriteHeaders(response.headers, fault?.rewrite);
    return response;
  }

  /** Gives the session of a 308 another URL. */
  #move(session: Session, response: Response, { url }: Incoming): void {
    const override = response.headers.get("x-http-status-code-override");
    if (response.status !== 308 && override !== "308") return;
    this.#service.moveSession(session);
    const moved = new URL(`${url.pathname}${url.search}`, this.#service.settings.origin ?? url);
    moved.searchParams.set("upload_id", session.id);
    response.headers.set("location", moved.href);
  }

  /** Waits as a fault says; without an end, a request makes room for the next one on its session. */
  async #pause(
    milliseconds: number,
    signal: AbortSignal | undefined,
    session: Session | undefined,
  ): Promise<void> {
    if (milliseconds !== Infinity) return this.#service.settings.sleep(milliseconds, signal);
    await (session ? Promise.race([session.contended, never(signal)]) : never(signal));
    throw new InjectedCut();
  }

  /** What the retry test that a request names does to it. */
  #instructed(
    { headers, body }: Incoming,
    { kind, contentRange }: RequestRecord,
    session: Session | undefined,
  ): Fault | null {
    const id = headers.get("x-retry-test-id");
    if (id === null || kind === "other") return null;
    const target = { kind, contentRange, length: body.length, persisted: session?.persisted ?? 0 };
    return this.#service.retryTests.take(id, target);
  }
}
