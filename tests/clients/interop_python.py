"""Uploads with Google's Python clients; prints one line of JSON for each case.

Usage: interop_python.py ORIGIN PROXY TICKET
"""

import importlib.metadata
import io
import json
import sys

import requests
from google.api_core.exceptions import PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2.credentials import Credentials
from google.resumable_media import InvalidResponse
from google.resumable_media import requests as media

ORIGIN, PROXY, TICKET = sys.argv[1:]
KIB = 1024
DATA = bytes((i * 7 + (i >> 8)) & 255 for i in range(1_000_003))
UPLOAD = ORIGIN + "/upload/storage/v1/b/my-bucket/o"


def client(**options):
    return storage.Client(
        project="p",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": ORIGIN},
        **options,
    )


def blob(name, chunk=256 * KIB, of=None):
    return (of or client()).bucket("my-bucket").blob(name, chunk_size=chunk)


def retry_test(*instructions):
    body = {"instructions": {"storage.objects.insert": instructions}, "transport": "HTTP"}
    return {"x-retry-test-id": requests.post(ORIGIN + "/retry_test", json=body).json()["id"]}


def multipart():
    blob("multipart", None).upload_from_string(DATA, checksum="crc32c")


def chunks():
    # With a size up to 8 MiB it would be one request.
    blob("chunks").upload_from_file(io.BytesIO(DATA), checksum="crc32c")


def chunks_md5():
    blob("chunks-md5").upload_from_file(io.BytesIO(DATA), checksum="md5")


def writer():
    with blob("writer").open("wb", content_type="text/plain") as file:
        for at in range(0, len(DATA), 100_000):
            file.write(DATA[at : at + 100_000])


def session_of_its_own():
    url = blob("session").create_resumable_upload_session("text/plain", size=len(DATA))
    assert requests.put(url, data=DATA).status_code == 200


def precondition():
    blob("once").upload_from_string(DATA, if_generation_match=0)
    try:
        blob("once").upload_from_string(b"other", if_generation_match=0)
    except PreconditionFailed:
        return
    raise AssertionError("the object was replaced")


def retried():
    for number, instructions in enumerate(
        [["return-503", "return-503"], ["return-reset-connection"], ["return-503-after-256K"]]
    ):
        headers = retry_test(*instructions)
        of = client(extra_headers=headers)
        blob(f"retried-{number}", of=of).upload_from_file(
            io.BytesIO(DATA), if_generation_match=0
        )
        left = requests.get(ORIGIN + "/retry_test/" + headers["x-retry-test-id"]).json()
        assert left["completed"], left


def read_back():
    source = blob("back", 512 * KIB)
    source.upload_from_string(DATA)
    assert source.download_as_bytes(checksum="crc32c") == DATA
    assert [b.name for b in client().list_blobs("my-bucket", prefix="back")] == ["back"]


def seed_simple():
    upload = media.SimpleUpload(UPLOAD + "?uploadType=media&name=seed-simple")
    upload.transmit(requests.Session(), DATA, "text/plain")


def seed_multipart():
    upload = media.MultipartUpload(UPLOAD + "?uploadType=multipart", checksum="md5")
    upload.transmit(requests.Session(), DATA, {"name": "seed-multipart"}, "text/plain")


def seed(name, url, session, headers=None):
    upload = media.ResumableUpload(url, 256 * KIB, headers=headers, checksum="crc32c")
    upload.initiate(session, io.BytesIO(DATA), {"name": name}, "text/plain")
    while not upload.finished:
        upload.transmit_next_chunk(session)


def seed_resumable():
    seed("seed-resumable", UPLOAD + "?uploadType=resumable", requests.Session())


def seed_recovers():
    session = requests.Session()
    upload = media.ResumableUpload(UPLOAD + "?uploadType=resumable", 512 * KIB)
    upload.initiate(session, io.BytesIO(DATA), {"name": "seed-recovers"}, "text/plain")
    upload._headers = retry_test("return-400-after-300K")
    try:
        upload.transmit_next_chunk(session)
    except InvalidResponse as error:
        assert error.response.status_code == 400
    assert upload.invalid
    upload.recover(session)
    assert upload.bytes_uploaded == 256 * KIB, upload.bytes_uploaded
    while not upload.finished:
        upload.transmit_next_chunk(session)


def proxy_cloud_storage():
    of = storage.Client(
        project="p", credentials=Credentials(TICKET), client_options={"api_endpoint": PROXY}
    )
    blob("proxy-chunks", of=of).upload_from_file(io.BytesIO(DATA), timeout=20)
    blob("proxy-multipart", None, of=of).upload_from_string(DATA, timeout=20)
    with blob("proxy-writer", of=of).open("wb", if_generation_match=0) as file:
        file.write(DATA)


def proxy_seed():
    session = requests.Session()
    session.headers["authorization"] = "Bearer " + TICKET
    url = PROXY + "/upload/storage/v1/b/my-bucket/o?uploadType=resumable"
    seed("proxy-seed", url, session)


CASES = {
    "google-cloud-storage: a string, in one request": (multipart, ["multipart"]),
    "google-cloud-storage: a file in chunks, CRC32C": (chunks, ["chunks"]),
    "google-cloud-storage: a file in chunks, MD5": (chunks_md5, ["chunks-md5"]),
    "google-cloud-storage: a writer": (writer, ["writer"]),
    "google-cloud-storage: a session for another client": (session_of_its_own, ["session"]),
    "google-cloud-storage: a precondition": (precondition, ["once"]),
    "google-cloud-storage: retried by its own rules": (
        retried,
        ["retried-0", "retried-1", "retried-2"],
    ),
    "google-cloud-storage: listed and read back": (read_back, ["back"]),
    "google-resumable-media: SimpleUpload": (seed_simple, ["seed-simple"]),
    "google-resumable-media: MultipartUpload, MD5": (seed_multipart, ["seed-multipart"]),
    "google-resumable-media: ResumableUpload, CRC32C": (seed_resumable, ["seed-resumable"]),
    "google-resumable-media: recover()": (seed_recovers, ["seed-recovers"]),
    "google-cloud-storage through the proxy, with a ticket as its token": (
        proxy_cloud_storage,
        ["proxy-chunks", "proxy-multipart", "proxy-writer"],
    ),
    "google-resumable-media through the proxy": (proxy_seed, ["proxy-seed"]),
}

for package in ("google-cloud-storage", "google-resumable-media"):
    print(json.dumps({"package": package, "version": importlib.metadata.version(package)}))
for name, (case, objects) in CASES.items():
    try:
        case()
        print(json.dumps({"name": name, "objects": objects, "problem": None}), flush=True)
    except Exception as error:  # every case has its line
        problem = f"{type(error).__name__}: {error}"
        print(json.dumps({"name": name, "objects": objects, "problem": problem}), flush=True)
