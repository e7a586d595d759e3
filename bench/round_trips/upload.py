"""Uploads a file with google-cloud-storage; prints why it failed, if it does.

Usage: upload.py JSON, with origin, bucket, name, path, and perhaps chunkSize
"""

import json
import os
import sys

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY

job = json.loads(sys.argv[1])
client = storage.Client(
    project="any",
    credentials=AnonymousCredentials(),
    client_options={"api_endpoint": job["origin"]},
)
blob = client.bucket(job["bucket"]).blob(job["name"], chunk_size=job.get("chunkSize"))
try:
    with open(job["path"], "rb") as file:
        blob.upload_from_file(
            file,
            size=os.fstat(file.fileno()).st_size,  # as upload_from_filename does
            if_generation_match=0,
            checksum="crc32c",
            retry=DEFAULT_RETRY.with_delay(initial=0.01),
        )
except Exception as error:
    print(f"{type(error).__name__}: {error}")
