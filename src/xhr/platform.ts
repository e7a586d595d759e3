/** What is used of a browser: structural types, so that the library compiles where there are none. */

/** An event with a count of bytes. */
interface ByteCount {
  readonly loaded: number;
}

/** What is used of an XMLHttpRequest. */
export interface Xhr {
  readonly upload: {
    onprogress: ((event: ByteCount) => void) | null;
    onload: (() => void) | null;
  };
  readonly readyState: number;
  readonly status: number;
  readonly statusText: string;
  readonly response: unknown;
  readonly responseURL: string;
  responseType: string;
  timeout: number;
  withCredentials: boolean;
  onprogress: ((event: ByteCount) => void) | null;
  onload: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
  ontimeout: (() => void) | null;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getAllResponseHeaders(): string;
  send(body: unknown): void;
  abort(): void;
}

/** The globals of a page, or of a worker of it, as far as they are there. */
export interface Page {
  readonly XMLHttpRequest?: new () => Xhr;
  readonly navigator?: { readonly onLine?: boolean };
  readonly location?: { readonly origin: string };
  addEventListener?(type: "online", listener: () => void): void;
  removeEventListener?(type: "online", listener: () => void): void;
}

/** The globals as they are now. */
export function page(): Page {
  return globalThis as Page;
}
