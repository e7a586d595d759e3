/**
 * What all routes share: settings, objects, sessions.
 *
 * @module
 */

import { Files } from "./apis/files.ts";
import type { LastRequest } from "./api_endpoint.ts";
import { checkChecksums } from "./storage/checksums.ts";
import { Content } from "./storage/content.ts";
import { MultipartUploads } from "./storage/xml_multipart_upload.ts";
import type { EmulatedObject } from "./storage/object.ts";
import type { Refusal } from "./emulator_replies.ts";
import { RetryTests } from "./faults/retry_tests.ts";
import { Session, type SessionStart } from "./storage/stored_session.ts";
import { sizeProblem, type UploadSpec } from "./storage/spec.ts";
import type { Settings } from "./emulator_options.ts";
import { ObjectStore } from "./storage/store.ts";
import type { Incoming } from "./incoming.ts";
import { Scenarios } from "./x_goog_upload/scenarios.ts";

/** A request with what a route needs to know. */
export interface Exchange {
  readonly incoming: Incoming;
  /** The origin written into links. */
  readonly origin: string;
  /** Whether a fault changes the first stored byte. */
  readonly corrupt: boolean;
  /** The status with which a fault ends the session. */
  readonly expire: 404 | 410 | null;
  /** The refusal with which a fault ends the session for good. */
  readonly refusal: Refusal | null;
}

/** A week in milliseconds: after it, a session is forgotten. */
export const WEEK = 604_800_000;

/** The state of the emulated service. */
export class Service {
  readonly settings: Settings;
  readonly store: ObjectStore;
  readonly sessions: Map<string, Session> = new Map();
  readonly multipartUploads: MultipartUploads = new MultipartUploads();
  readonly files: Files = new Files();
  readonly retryTests: RetryTests = new RetryTests();
  readonly scenarios: Scenarios = new Scenarios();
  #started = 0;

  constructor(settings: Settings) {
    this.settings = settings;
    this.store = new ObjectStore(settings.now);
  }

  /** Content that keeps what the settings say. */
  newContent(): Promise<Content> {
    const { keep, md5 } = this.settings;
    return Content.create({ keep, md5 });
  }

  /** Content that keeps nothing, to compute checksums with. */
  newHashes(): Promise<Content> {
    return Content.create({ keep: false, md5: this.settings.md5 });
  }

  /** Starts a session. */
  async startSession(start: SessionStart): Promise<Session> {
    const session = new Session({
      ...start,
      id: newId(),
      index: this.#started++,
      started: this.settings.now(),
      content: await this.newContent(),
    });
    this.sessions.set(session.id, session);
    return session;
  }

  /** Gives a session another URL; it is not known by the one before. */
  moveSession(session: Session): void {
    this.sessions.delete(session.id);
    session.id = newId();
    this.sessions.set(session.id, session);
  }

  /** Ends a session whose time is over. */
  expire(session: Session): void {
    const age = this.settings.now() - session.started;
    if (age <= this.settings.sessionTtl) return;
    session.end({ phase: "ended", status: age > WEEK ? 404 : 410 });
  }

  /** Makes complete content an object, if everything that was declared of it holds. */
  finalise(
    spec: UploadSpec,
    content: Content,
    last: LastRequest,
  ): EmulatedObject | Refusal {
    const refusal = checkChecksums(last.checksums ?? {}, content) ??
      checkChecksums(spec.checksums, content) ??
      sizeProblem(spec.size, content) ??
      this.store.check(spec.bucket, spec.name, spec.preconditions);
    if (refusal) return refusal;
    const metadata = { ...spec.fields.metadata, ...last.metadata };
    const { bucket, name, origin } = spec;
    return this.store.put({
      bucket,
      name,
      origin,
      content,
      fields: { ...spec.fields, metadata },
    });
  }

  /** Forgets objects, files, sessions, multipart uploads, retry tests and scenarios. */
  reset(): void {
    this.retryTests.reset();
    this.scenarios.reset();
    this.files.list.length = 0;
    this.store.clear();
    this.sessions.clear();
    this.multipartUploads.reset();
    this.#started = 0;
  }
}

/** An opaque, unguessable id. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(48));
  return "AH" + btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}
