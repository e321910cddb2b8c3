"""A Cloud Storage in memory, for tests: the JSON interface of PyPI's gcp-storage-emulator, and XML beside it.

The crate object_store reads, writes and lists by Cloud Storage's XML interface. Of that, gcp-storage-emulator 2026.7.19
has a bare GET and PUT: no ETag, no generation, no precondition, no HEAD, no list. So it keeps buckets and objects here
and answers for JSON, and what follows answers for XML on the same objects, as Google documents it:
https://cloud.google.com/storage/docs/xml-api/reference-headers

    PUT  /BUCKET/OBJECT   x-goog-if-generation-match (0: only where there is none); answers ETag and generation
    GET  /BUCKET/OBJECT   generation=, If-Match, Range: bytes=A-B; the object as it was when the answer began
    HEAD /BUCKET/OBJECT   the same without the body
    GET  /BUCKET?list-type=2   prefix, start-after, continuation-token; by name, 100 on a page so that pages are tried
    DELETE /BUCKET/OBJECT

What is absent: credentials, delimiters, metadata of people's own, old generations (a bucket without versioning).
"""

import hashlib
import sys
import threading
from email.utils import formatdate
from functools import partial
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers.objects import _checksums, _make_object_resource
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage

KEYS_ON_A_PAGE = 100
# Paths of the JSON interface, and of the emulator itself.
OF_THE_EMULATOR = ("storage", "upload", "download", "batch", "b", "wipe", "")


class Refused(Exception):
    def __init__(self, status, code):
        super().__init__(code)
        self.status, self.code = status, code


class Memory(Storage):
    def _write_config_to_file(self):
        # The emulator writes the names of all objects anew with each change, for a disk that is not there: a thousand
        # objects would make each write three times as slow.
        pass


class Handler(RequestHandler):
    protocol_version = "HTTP/1.1"
    # The emulator was written for one request at a time.
    lock = threading.RLock()

    def do_GET(self):
        self.serve("GET", RequestHandler.do_GET)

    def do_HEAD(self):
        self.serve("HEAD", None)

    def do_PUT(self):
        self.serve("PUT", RequestHandler.do_PUT)

    def do_DELETE(self):
        self.serve("DELETE", RequestHandler.do_DELETE)

    def do_POST(self):
        with self.lock:
            RequestHandler.do_POST(self)

    def serve(self, method, by_the_emulator):
        url = urlsplit(self.path)
        bucket, _, name = url.path.lstrip("/").partition("/")
        if bucket in OF_THE_EMULATOR and by_the_emulator:
            with self.lock:
                return by_the_emulator(self)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            with self.lock:
                answer = self.answer(method, unquote(bucket), unquote(name), query, body)
        except Refused as refused:
            text = f"<Error><Code>{refused.code}</Code></Error>".encode()
            answer = (refused.status, {"Content-Type": "application/xml"}, text)
        except NotFound:
            answer = (404, {"Content-Type": "application/xml"}, b"<Error><Code>NoSuchKey</Code></Error>")
        self.send(method, *answer)

    def send(self, method, status, headers, content):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if method != "HEAD":
            self.wfile.write(content)

    def answer(self, method, bucket, name, query, body):
        if bucket not in self.storage.buckets:
            raise Refused(404, "NoSuchBucket")
        if not name:
            return self.list(bucket, query)
        if method == "PUT":
            return self.put(bucket, name, body)
        if method == "DELETE":
            self.storage.delete_file(bucket, name)
            return (204, {}, b"")
        return self.get(bucket, name, query)

    def put(self, bucket, name, body):
        known = self.storage.objects.get(bucket, {}).get(name)
        wanted = self.headers.get("x-goog-if-generation-match")
        if wanted is not None and wanted != (known["generation"] if known else "0"):
            raise Refused(412, "PreconditionFailed")
        content_type = self.headers.get("Content-Type", "application/octet-stream")
        made = _make_object_resource("", bucket, name, content_type, str(len(body)))
        self.storage.create_file(bucket, name, body, _checksums(body, made))
        return (200, headers_of(made, body), b"")

    def get(self, bucket, name, query):
        known = self.storage.get_file_obj(bucket, name)
        if query.get("generation", known["generation"]) != known["generation"]:
            raise Refused(404, "NoSuchVersion")
        content = self.storage.get_file(bucket, name)
        headers = headers_of(known, content)
        if self.headers.get("If-Match", headers["ETag"]) != headers["ETag"]:
            raise Refused(412, "PreconditionFailed")
        if self.headers.get("Range"):
            first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
            part = content[int(first) : int(last or len(content) - 1) + 1]
            headers["Content-Range"] = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
            return (206, headers, part)
        return (200, headers, content)

    def list(self, bucket, query):
        after = max(query.get("continuation-token", ""), query.get("start-after", ""))
        found, _ = self.storage.get_file_list(bucket, query.get("prefix"))
        found = [known for known in found if known["name"] > after]
        page = found[:KEYS_ON_A_PAGE]
        rows = "".join(
            f"<Contents><Key>{escape(known['name'])}</Key><Size>{known['size']}</Size>"
            f"<LastModified>{known['updated']}</LastModified><ETag>{escape(known['etag'])}</ETag></Contents>"
            for known in page
        )
        more = f"<NextContinuationToken>{escape(page[-1]['name'])}</NextContinuationToken>" if page != found else ""
        text = f"<ListBucketResult><Name>{escape(bucket)}</Name>{rows}{more}</ListBucketResult>"
        return (200, {"Content-Type": "application/xml"}, text.encode())


def headers_of(known, content):
    return {
        "Content-Type": known["contentType"] or "application/octet-stream",
        "ETag": f'"{hashlib.md5(content).hexdigest()}"',
        "Last-Modified": formatdate(int(known["generation"]) / 1e9, usegmt=True),
        "x-goog-generation": known["generation"],
        "x-goog-hash": f"crc32c={known['crc32c']}",
    }


def main():
    storage = Memory(use_memory_fs=True)
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), partial(Handler, storage))
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
