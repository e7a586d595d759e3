"""A folder of files with google-cloud-storage, in a process of its own: takes a job as JSON, and prints what it measured, as
bench/many/program.ts does. The memory of its workers, where these are processes, is counted as if each needed as much as the
largest of them.
"""

import json
import os
import re
import resource
import sys
import time

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage import transfer_manager


def status(name):
    """A size in /proc/self/status, in bytes; 0 where there is none."""
    try:
        with open("/proc/self/status") as file:
            return int(re.search(rf"{name}:\s+(\d+)", file.read())[1]) * 1024
    except OSError:
        return 0


def cpu():
    own = resource.getrusage(resource.RUSAGE_SELF)
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + workers.ru_utime + workers.ru_stime


def main():
    job = json.loads(sys.argv[1])
    client = storage.Client(
        project="any",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": job["origin"]},
    )
    bucket = client.bucket("bucket")
    bucket.blob("warm").upload_from_string("x")
    is_processes = job.get("how") != "threads"
    workers = job.get("concurrency", transfer_manager.DEFAULT_MAX_WORKERS)
    idle = status("VmRSS")
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the peak starts anew
    except OSError:
        pass
    spent = cpu()
    start = time.perf_counter()
    results = transfer_manager.upload_many_from_filenames(
        bucket,
        os.listdir(job["folder"]),
        source_directory=job["folder"],
        skip_if_exists=True,
        worker_type=transfer_manager.PROCESS if is_processes else transfer_manager.THREAD,
        max_workers=workers,
    )
    seconds = time.perf_counter() - start
    rss = status("VmHWM") - idle
    if is_processes:
        rss += workers * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    for result in results:
        if isinstance(result, Exception):
            raise result
    measured = {"seconds": seconds, "cpuSeconds": cpu() - spent, "rss": rss}
    print(json.dumps({**measured, "uploaded": len(results)}))


if __name__ == "__main__":
    main()
