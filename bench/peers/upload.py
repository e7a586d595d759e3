"""One upload with google-cloud-storage, in a process of its own: takes a job as JSON, and prints what it measured, as
bench/upload/program.ts does.
"""

import io
import json
import re
import sys
import time

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

job = json.loads(sys.argv[1])


def blob(origin):
    client = storage.Client(
        project="any",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": origin},
    )
    return client.bucket("bucket").blob("object")


def status(name):
    """A size in /proc/self/status, in bytes; 0 where there is none."""
    try:
        with open("/proc/self/status") as file:
            return int(re.search(rf"{name}:\s+(\d+)", file.read())[1]) * 1024
    except OSError:
        return 0


blob(job["warmUp"]).upload_from_file(io.BytesIO(b"x"), size=1, checksum="crc32c")
target = blob(job["origin"])
idle = status("VmRSS")
try:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts anew
except OSError:
    pass
cpu = time.process_time()
start = time.perf_counter()
target.upload_from_filename(job["path"], checksum="crc32c")
seconds = time.perf_counter() - start
print(
    json.dumps(
        {
            "seconds": seconds,
            "cpuSeconds": time.process_time() - cpu,
            "rss": status("VmHWM") - idle,
            "crc32c": target.crc32c,
        }
    )
)
