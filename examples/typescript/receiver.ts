// A receiver of a Varsel hub: verify, de-duplicate, do the work, and only then answer.
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

/** One event in CloudEvents' structured mode, which the hub sends unless a subscription asks for another. */
interface Message {
  id: string;
  source: string;
  type: string;
  data?: unknown;
}

/** An answer other than success. The hub tries 5xx again; 4xx says what is wrong with the message. */
class Refusal extends Error {
  constructor(readonly status: number, reason: string) {
    super(reason);
  }
}

/** What this receiver does with a message. Throw to have the hub send it again. */
async function take(id: string, message: Message): Promise<void> {
  console.log(`took ${id} ${message.type}`);
}

// Several secrets while a key is changed, divided by spaces: one that fits is enough.
const keys = (process.env.VARSEL_SECRET ?? "").split(" ").filter((secret) => secret !== "").map((secret) => new Webhook(secret));
if (keys.length === 0) {
  console.error("set VARSEL_SECRET to the whsec_ secret that the hub signs with");
  process.exit(2);
}

const maxBody = 4 << 20; // bytes

async function read(request: IncomingMessage): Promise<Buffer> {
  const length = Number(request.headers["content-length"]); // node holds the body to it
  if (Number.isNaN(length)) {
    throw new Refusal(411, "say how long the body is");
  }
  if (length > maxBody) {
    throw new Refusal(413, "the body is too large");
  }
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) {
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function header(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value : "";
}

function verify(headers: IncomingHttpHeaders, body: Buffer): void {
  const signed = {
    "webhook-id": header(headers, "webhook-id"),
    "webhook-timestamp": header(headers, "webhook-timestamp"),
    "webhook-signature": header(headers, "webhook-signature"),
  };
  const fits = keys.some((key) => {
    try {
      key.verify(body, signed, { jsonParse: false }); // jsonParse would refuse a body that is not JSON as forged
      return true;
    } catch {
      return false;
    }
  });
  if (!fits) {
    throw new Refusal(401, "the signature does not fit");
  }
}

function decode(headers: IncomingHttpHeaders, body: Buffer): Message {
  if (!header(headers, "content-type").startsWith("application/cloudevents+json")) {
    throw new Refusal(415, "want application/cloudevents+json");
  }
  let event: Partial<Message> | null;
  try {
    event = JSON.parse(body.toString("utf8"));
  } catch {
    throw new Refusal(400, "the body is not JSON");
  }
  if (typeof event?.id !== "string" || typeof event.source !== "string" || typeof event.type !== "string") {
    throw new Refusal(400, "the body is not a CloudEvent");
  }
  return event as Message;
}

// What was taken or is being taken, the oldest first. In a real receiver this is a table in the database that the
// work changes, written in the same transaction: then a crash leaves both or neither.
const taken = new Map<string, Promise<void>>();
const maxTaken = 100_000;

/** Takes each message once in each pass: webhook-id is the same on every repeat, Varsel-Replay names a replay. */
async function once(key: string, work: () => Promise<void>): Promise<void> {
  const before = taken.get(key);
  if (before) {
    return before;
  }
  const working = work();
  taken.set(key, working);
  try {
    await working;
  } catch (error) {
    taken.delete(key);
    throw error;
  }
  for (const oldest of taken.keys()) {
    if (taken.size <= maxTaken) {
      break;
    }
    taken.delete(oldest);
  }
}

async function receive(request: IncomingMessage): Promise<void> {
  if (request.method !== "POST") {
    throw new Refusal(405, "messages are posted");
  }
  const body = await read(request);
  verify(request.headers, body);
  const message = decode(request.headers, body);
  if (header(request.headers, "varsel-test") === "1") {
    return; // invented data: acknowledge it, do nothing
  }
  const id = header(request.headers, "webhook-id");
  await once(JSON.stringify([id, header(request.headers, "varsel-replay")]), () => take(id, message));
}

const server = createServer((request, response) => {
  receive(request).then(
    () => response.writeHead(204).end(),
    (error: unknown) => {
      if (error instanceof Refusal) {
        // Closed, because the rest of a body that is too large is not worth reading.
        response.writeHead(error.status, { "content-type": "text/plain; charset=utf-8", connection: "close" }).end(error.message);
        return;
      }
      console.error(error);
      response.writeHead(500).end(); // tells nothing: the hub tries again
    },
  );
});

const [host = "127.0.0.1", port = "9000"] = (process.env.ADDR ?? "127.0.0.1:9000").split(":");
server.listen(Number(port), host, () => {
  console.log(`listening at http://${host}:${(server.address() as AddressInfo).port}`);
});
