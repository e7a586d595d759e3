/** `ticket`: signs an upload ticket for the proxy. */

import { signUploadTicket, type TicketOptions, type UploadGrant } from "../worker.ts";
import { numberOf, readArguments } from "./arguments.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";
import { helpOf } from "./help.ts";
import type { Io } from "./io.ts";
import { secretOf } from "./secret.ts";
import { shownArgument, UsageError } from "./usage_error.ts";

const SPECS = {
  audience: { type: "string", multiple: true },
  backend: { type: "string" },
  bucket: { type: "string" },
  "content-type": { type: "string", multiple: true },
  "expires-in": { type: "string" },
  field: { type: "string", multiple: true },
  id: { type: "string" },
  issuer: { type: "string" },
  "max-age": { type: "string" },
  "max-bytes": { type: "string" },
  metadata: { type: "string" },
  "min-bytes": { type: "string" },
  name: { type: "string" },
  overwrite: { type: "boolean" },
  payload: { type: "string" },
  prefix: { type: "string" },
  "require-checksum": { type: "boolean" },
  secret: { type: "string" },
  "session-ttl": { type: "string" },
  subject: { type: "string" },
} as const;

/** An hour, in seconds. */
const HOUR = 3600;

const ANY_NUMBER = [0, 999_999_999_999_999] as const;

/** Signs a ticket, and writes it to standard output. */
export async function ticket(args: readonly string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = readArguments(args, SPECS);
  if (values.help) {
    io.stdout.write(helpOf("ticket"));
    return EXIT.ok;
  }
  if (positionals.length > 0) {
    throw new UsageError(`ticket: expected options only, got ${shownArgument(positionals[0])}`);
  }
  const { subject } = values;
  if (subject === undefined) throw new UsageError("--subject: expected who the ticket is for");
  const secret = await ticketSecret(values.secret, io);
  const number = (name: "max-age" | "max-bytes" | "min-bytes" | "session-ttl") =>
    numberOf(values[name], `--${name}`, ANY_NUMBER);
  const grant: UploadGrant & { subject: string } = {
    subject,
    backend: values.backend,
    bucket: values.bucket,
    name: values.name,
    prefix: values.prefix,
    maxBytes: number("max-bytes"),
    minBytes: number("min-bytes"),
    contentTypes: values["content-type"],
    fields: values.field,
    overwrite: values.overwrite,
    requireChecksum: values["require-checksum"],
    metadata: jsonOf(values.metadata, "--metadata") as Record<string, unknown> | undefined,
    payload: jsonOf(values.payload, "--payload"),
    sessionTtl: number("session-ttl"),
  };
  const options: TicketOptions = {
    expiresIn: numberOf(values["expires-in"], "--expires-in", [1, ANY_NUMBER[1]]) ?? HOUR,
    issuer: values.issuer,
    audience: values.audience?.length === 1 ? values.audience[0] : values.audience,
    id: values.id,
    maxAge: number("max-age"),
  };
  try {
    io.stdout.write(`${await signUploadTicket(secret, grant, options)}\n`);
  } catch (error) {
    if (error instanceof Error) throw new UsageError(error.message); // it only checks
    throw error;
  }
  return EXIT.ok;
}

/** The secret, which must not be an argument itself. */
async function ticketSecret(option: string | undefined, io: Io): Promise<string> {
  const reference = option ?? "env:TICKET_SECRET";
  if (option === undefined && !io.env.TICKET_SECRET) {
    throw new UsageError("--secret: expected @FILE, or the variable TICKET_SECRET");
  }
  if (!/^(?:@|env:)/.test(reference)) {
    throw new UsageError(
      "--secret: expected @FILE, @- or env:NAME, since others can see arguments, got a text",
    );
  }
  return await secretOf(reference, "--secret", io);
}

function jsonOf(text: string | undefined, name: string): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`${name}: expected JSON, got something else`);
  }
}
