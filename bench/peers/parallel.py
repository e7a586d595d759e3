"""One upload in parts with google-cloud-storage, in a process of its own: takes a job as JSON, and prints what it
measured, as bench/parallel/program.ts does. Its workers are processes, as they are by default.
"""

import json
import os
import resource
import sys
import time

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage import transfer_manager


def send(job, origin, path):
    client = storage.Client(
        project="any",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": origin},
    )
    blob = client.bucket("bucket").blob("object")
    transfer_manager.upload_chunks_concurrently(
        path,
        blob,
        content_type="application/octet-stream",
        max_workers=job["concurrency"],
        checksum="crc32c",
    )
    return blob


def cpu():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    send(job, job["warmUp"], __file__)
    before = cpu()
    start = time.perf_counter()
    send(job, job["origin"], job["path"])
    seconds = time.perf_counter() - start
    spent = cpu() - before
    # The largest of the workers stands for all of them.
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    target = storage.Client(
        project="any",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": job["warmUp"]},
    ).bucket("bucket")
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpuSeconds": spent,
                "rss": largest * job["concurrency"],
                "crc32c": target.get_blob("object").crc32c,
            }
        )
    )
