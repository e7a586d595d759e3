/**
 * What all routes share: settings, objects, sessions.
 *
 * @module
 */

import { checkChecksums, type DeclaredChecksums } from "./storage/checksums.ts";
import { Content } from "./storage/content.ts";
import type { EmulatedObject } from "./storage/object.ts";
import { invalid, type Refusal } from "./replies.ts";
import { RetryTests } from "./faults/retry_tests.ts";
import { Session } from "./storage/session.ts";
import type { UploadSpec } from "./storage/spec.ts";
import type { Settings } from "./options.ts";
import { ObjectStore } from "./storage/store.ts";
import type { Incoming } from "./incoming.ts";

/** A request with what a route needs to know. */
export interface Exchange {
  readonly incoming: Incoming;
  /** The origin written into links. */
  readonly origin: string;
  /** Whether a fault changes the first stored byte. */
  readonly corrupt: boolean;
  /** The status with which a fault ends the session. */
  readonly expire: 404 | 410 | null;
}

/** A week in milliseconds: after it, a session is forgotten. */
export const WEEK = 604_800_000;

/** The state of the emulated service. */
export class Service {
  readonly settings: Settings;
  readonly store: ObjectStore;
  readonly sessions: Map<string, Session> = new Map();
  readonly retryTests: RetryTests = new RetryTests();

  constructor(settings: Settings) {
    this.settings = settings;
    this.store = new ObjectStore(settings.now);
  }

  /** Content that keeps what the settings say. */
  newContent(): Promise<Content> {
    const { keep, md5 } = this.settings;
    return Content.create({ keep, md5 });
  }

  /** Starts a session. */
  async startSession(spec: UploadSpec, browserOrigin: string | null): Promise<Session> {
    const session = new Session({
      id: newId(),
      index: this.sessions.size,
      spec,
      started: this.settings.now(),
      browserOrigin,
      content: await this.newContent(),
    });
    this.sessions.set(session.id, session);
    return session;
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
    last: { readonly checksums?: DeclaredChecksums; readonly metadata?: Record<string, string> } =
      {},
  ): EmulatedObject | Refusal {
    const refusal = checkChecksums(last.checksums ?? {}, content) ??
      checkChecksums(spec.checksums, content) ??
      checkSize(spec, content) ??
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

  /** Forgets objects, sessions and retry tests. */
  reset(): void {
    this.retryTests.reset();
    this.store.clear();
    this.sessions.clear();
  }
}

function checkSize(spec: UploadSpec, content: Content): Refusal | null {
  if (spec.size === null || spec.size === content.size) return null;
  return invalid(
    `X-Upload-Content-Length announced ${spec.size} byte(s), but the upload has ${content.size} byte(s).`,
  );
}

/** An opaque, unguessable id. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(48));
  return "AH" + btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}
