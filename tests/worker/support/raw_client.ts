// HTTP/1.1 written by hand: what `fetch` would not send, and when it would not send it.

/** A reply. */
export interface RawReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A connection to a server. */
export interface RawClient extends Disposable {
  /** Writes the head of a request; `target` is what stands in its first line, where that is not what the URL gives. */
  head(
    method: string,
    url: string,
    headers?: Record<string, string>,
    target?: string,
  ): Promise<void>;
  /** Writes bytes of a body as they are. */
  write(bytes: Uint8Array): Promise<void>;
  /** Writes bytes as a chunk of a body in chunks; none ends it. */
  writeChunk(bytes: Uint8Array): Promise<void>;
  /** Reads a whole reply; one to `HEAD` has no body. */
  reply(headOnly?: boolean): Promise<RawReply>;
  /** Leaves, whatever is under way. */
  leave(): void;
}

/** Connects to the server of a URL. */
export async function connect(url: string): Promise<RawClient> {
  const { hostname, port, host } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  connection.setNoDelay(true);
  let rest = new Uint8Array();
  let open = true;

  const write = async (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  };
  const more = async () => {
    const buffer = new Uint8Array(65_536);
    const count = await connection.read(buffer);
    if (count === null) throw new Error("The server closed the connection");
    rest = joined(rest, buffer.subarray(0, count));
  };
  const take = async (length: number) => {
    while (rest.length < length) await more();
    const taken = rest.subarray(0, length);
    rest = rest.subarray(length);
    return decode(taken);
  };
  const line = async () => {
    let end: number;
    while ((end = rest.indexOf(10)) < 0) await more();
    return (await take(end + 1)).trimEnd();
  };
  const leave = () => {
    if (open) connection.close();
    open = false;
  };

  return {
    head(method, url, headers = {}, target = new URL(url).pathname + new URL(url).search) {
      const lines = Object.entries({ host, ...headers }).map(([name, value]) =>
        `${name}: ${value}`
      );
      const text = [`${method} ${target} HTTP/1.1`, ...lines, "", ""].join("\r\n");
      return write(encode(text));
    },
    write,
    async writeChunk(bytes) {
      await write(encode(`${bytes.length.toString(16)}\r\n`));
      await write(bytes);
      await write(encode("\r\n"));
    },
    async reply(headOnly = false) {
      const status = Number((await line()).split(" ")[1]);
      const headers = new Headers();
      for (let text = await line(); text !== ""; text = await line()) {
        const colon = text.indexOf(":");
        headers.append(text.slice(0, colon), text.slice(colon + 1).trim());
      }
      if (headOnly || status === 204 || status === 304) return { status, headers, body: "" };
      if (headers.get("transfer-encoding") !== "chunked") {
        const body = await take(Number(headers.get("content-length") ?? 0));
        return { status, headers, body };
      }
      let body = "";
      for (;;) {
        const length = parseInt(await line(), 16);
        body += await take(length);
        await line();
        if (length === 0) return { status, headers, body };
      }
    },
    leave,
    [Symbol.dispose]: leave,
  };
}

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
