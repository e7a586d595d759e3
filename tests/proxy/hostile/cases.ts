// All hostile requests, by what is wrong with them.

import { bodies } from "./bodies.ts";
import type { Hostile } from "./case.ts";
import { google } from "./google.ts";
import { headers } from "./headers.ts";
import { logs } from "./logs.ts";
import { metadata } from "./metadata.ts";
import { parameters } from "./parameters.ts";
import { places } from "./places.ts";
import { ranges } from "./ranges.ts";
import { resumableHttp } from "./resumable_http.ts";
import { sessions } from "./sessions.ts";
import { tickets } from "./tickets.ts";

/** All hostile requests, by what is wrong with them. */
export const CASES: readonly [subject: string, cases: readonly Hostile[]][] = [
  ["Tickets", tickets],
  ["Paths, hosts, methods", places],
  ["Parameters", parameters],
  ["Metadata", metadata],
  ["Headers", headers],
  ["Content-Range", ranges],
  ["Bodies", bodies],
  ["Sessions", sessions],
  ["Resumable uploads of the IETF", resumableHttp],
  ["Words for the log", logs],
  ["Replies of Google", google],
];
