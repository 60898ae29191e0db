"""A receiver of a Varsel hub: verify, de-duplicate, do the work, and only then answer. Standard library only."""

import base64
import binascii
import collections
import hashlib
import hmac
import http.server
import json
import os
import sys
import threading
import time

TOLERANCE = 5 * 60  # seconds between the signature's time and now, both ways
MAX_BODY = 4 << 20  # bytes
MAX_TAKEN = 100_000  # messages remembered
MAX_SIGNATURES = 16  # looked at in one header: enough for any rotation


class Refusal(Exception):
    """An answer other than success. The hub tries 5xx again; 4xx says what is wrong with the message."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


def take(message_id, message):
    """What this receiver does with a message. Raise to have the hub send it again."""
    print("took", message_id, message["type"], flush=True)


def read_key(text):
    """Read a secret as the hub shows it: whsec_ and base64."""
    return base64.b64decode(text.removeprefix("whsec_"), validate=True)


def verify(keys, headers, body, now):
    """Check a signature by Standard Webhooks 1.0.0: HMAC-SHA256 of "id.timestamp.body"."""
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16) or abs(now - int(stamp)) > TOLERANCE:
        raise Refusal(401, "the signature's time is missing or too far from now")
    content = f"{message_id}.{stamp}.".encode("latin-1") + body
    wanted = [hmac.new(key, content, hashlib.sha256).digest() for key in keys]
    for signature in headers.get("webhook-signature", "").split(" ")[:MAX_SIGNATURES]:
        version, _, text = signature.partition(",")
        if version != "v1":
            continue  # a version of tomorrow stands beside today's
        try:
            given = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        # All keys are compared, each in constant time: how long it takes tells a forger nothing.
        if any([hmac.compare_digest(given, mac) for mac in wanted]):
            return
    raise Refusal(401, "the signature does not fit")


def decode(headers, body):
    """Read one event in CloudEvents' structured mode, which the hub sends unless a subscription asks for another."""
    if headers.get_content_type() != "application/cloudevents+json":
        raise Refusal(415, "want application/cloudevents+json")
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(event, dict) or not all(isinstance(event.get(name), str) for name in ("id", "source", "type")):
        raise Refusal(400, "the body is not a CloudEvent")
    return event


class Taken:
    """Remembers what was taken, and takes one message at a time.

    In a real receiver this is a table in the database that the work changes, written in the same transaction: then a
    crash leaves both or neither.
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.keys = collections.OrderedDict()

    def once(self, key, work):
        with self.lock:
            if key in self.keys:
                return
            work()
            self.keys[key] = None
            if len(self.keys) > MAX_TAKEN:
                self.keys.popitem(last=False)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers the hub. keys and taken are set by main."""

    protocol_version = "HTTP/1.1"  # the hub keeps its connections
    timeout = 60  # seconds without a byte
    keys = ()
    taken = None

    def do_POST(self):
        try:
            self.receive()
            self.answer(204)
        except Refusal as refusal:
            self.answer(refusal.status, str(refusal))
        except Exception as error:  # whatever the work raised
            print("failed:", type(error).__name__, file=sys.stderr, flush=True)
            self.answer(500)  # tells nothing: the hub tries again

    def receive(self):
        body = self.read()
        verify(self.keys, self.headers, body, time.time())
        message = decode(self.headers, body)
        if self.headers.get("varsel-test") == "1":
            return  # invented data: acknowledge it, do nothing
        # webhook-id is the same on every repeat; Varsel-Replay names a replay, which repeats on purpose.
        message_id = self.headers["webhook-id"]
        self.taken.once((message_id, self.headers.get("varsel-replay", "")), lambda: take(message_id, message))

    def read(self):
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refusal(411, "say how long the body is")
        if len(length) > 15 or int(length) > MAX_BODY:
            raise Refusal(413, "the body is too large")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Refusal(503, "the body broke off")
        return body

    def answer(self, status, reason=""):
        text = reason.encode() if 400 <= status < 500 else b""
        self.send_response(status)
        if status >= 400:
            self.send_header("Connection", "close")  # the body may not have been read
        if status != 204:
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Say nothing of every request."""


def main():
    # Several secrets while a key is changed, divided by spaces: one that fits is enough.
    Handler.keys = tuple(read_key(text) for text in os.environ.get("VARSEL_SECRET", "").split())
    Handler.taken = Taken()
    if not Handler.keys:
        sys.exit("set VARSEL_SECRET to the whsec_ secret that the hub signs with")
    host, _, port = os.environ.get("ADDR", "127.0.0.1:9000").rpartition(":")
    with http.server.ThreadingHTTPServer((host, int(port)), Handler) as server:
        print(f"listening at http://{host}:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
