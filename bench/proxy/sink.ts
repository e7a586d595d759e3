/**
 * Answers Google's protocol as fast as it can be read: bodies are counted, never looked at. Prints its origin.
 *
 * @module
 */

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const origin = `http://127.0.0.1:${listener.addr.port}`;
console.log(origin);

for await (const connection of listener) serve(connection).catch(() => {});

async function serve(connection: Deno.TcpConn): Promise<void> {
  connection.setNoDelay(true);
  const buffer = new Uint8Array(1_048_576);
  let head = "";
  for (let count; (count = await connection.read(buffer)) !== null;) {
    head += decode(buffer.subarray(0, Math.min(count, 16_384)));
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) continue;
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (/^transfer-encoding:/im.test(head)) throw new Error("The sink does not read chunks");
    const [, total] = /^content-range: bytes [^/]*\/(\d+)/im.exec(head) ?? [];
    const last = /^content-range: bytes \d+-(\d+)\//im.exec(head)?.[1];
    let left = length - (count - (end + 4));
    while (left > 0) {
      const more = await connection.read(buffer);
      if (more === null) return connection.close();
      left -= more;
    }
    await connection.write(encode(reply(head, last, total)));
    head = "";
  }
  connection.close();
}

function reply(head: string, last: string | undefined, total: string | undefined): string {
  if (head.startsWith("POST ")) {
    return `HTTP/1.1 200 OK\r\nlocation: ${origin}/upload?upload_id=1\r\ncontent-length: 0\r\n\r\n`;
  }
  if (Number(last) + 1 === Number(total)) {
    return "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
  }
  return `HTTP/1.1 308 Resume Incomplete\r\nrange: bytes=0-${last}\r\ncontent-length: 0\r\n\r\n`;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
