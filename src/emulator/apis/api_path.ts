/**
 * A path of an API: where uploads start, or where what came of them is read.
 *
 * @module
 */

import type { Endpoint } from "../api_endpoint.ts";
import type { ErrorForm } from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";

/** A path of an API. The parts are what the groups of `path` match, decoded. */
export type ApiPath =
  | {
    readonly path: RegExp;
    upload(parts: readonly string[]): Endpoint;
    readonly read?: undefined;
  }
  | {
    readonly path: RegExp;
    readonly upload?: undefined;
    readonly errors: ErrorForm;
    /** Answers a GET. */
    read(service: Service, exchange: Exchange, parts: readonly string[]): Response;
  };

/** A place, and the parts of the path that vary. */
export interface MatchedPath {
  readonly api: ApiPath;
  readonly parts: readonly string[];
}
