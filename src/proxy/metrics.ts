/** Numbers of an instance, as Prometheus reads them. Each instance has its own, from its start on. */

import type { UploadLogEntry } from "./log.ts";

/** What is counted, each with what it says. */
export const METRICS = {
  upload_proxy_requests_total: "Requests, by what they did and by the status of the reply.",
  upload_proxy_request_bytes_total: "Bytes of bodies that were passed on to Google.",
  upload_proxy_objects_total: "Objects that were made, each counted once.",
  upload_proxy_object_bytes_total: "Bytes of these objects.",
  upload_proxy_request_seconds_total: "Time from requests to replies.",
  upload_proxy_upstream_seconds_total: "Time that Google took of it.",
} as const;

type Name = keyof typeof METRICS;

/** Counters. Their labels are the proxy's own words, so there are few of them. */
export class Metrics {
  readonly #values = new Map<Name, Map<string, number>>();

  /** Counts a request; `completes` says that an object is there with it that has not been counted. */
  count(
    { event, status, bytes, size = 0, ms, upstreamMs }: UploadLogEntry,
    completes = false,
  ): void {
    this.#add("upload_proxy_requests_total", 1, `{event="${event}",status="${status}"}`);
    this.#add("upload_proxy_request_bytes_total", upstreamMs === undefined ? 0 : bytes ?? 0);
    this.#add("upload_proxy_objects_total", completes ? 1 : 0);
    this.#add("upload_proxy_object_bytes_total", completes ? size : 0);
    this.#add("upload_proxy_request_seconds_total", ms / 1000);
    this.#add("upload_proxy_upstream_seconds_total", (upstreamMs ?? 0) / 1000);
  }

  /** All of them as text. */
  text(): string {
    return Object.entries(METRICS).map(([name, help]) => {
      const values = this.#values.get(name as Name) ?? new Map([["", 0]]);
      const lines = [...values].map(([labels, value]) => `${name}${labels} ${value}\n`);
      return `# HELP ${name} ${help}\n# TYPE ${name} counter\n${lines.join("")}`;
    }).join("");
  }

  #add(name: Name, value: number, labels = ""): void {
    const values = this.#values.get(name) ?? new Map<string, number>();
    this.#values.set(name, values.set(labels, (values.get(labels) ?? 0) + value));
  }
}
