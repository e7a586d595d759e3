// One upload in parts with google-cloud-storage in Java, in a process of its own: takes a job as JSON, and prints what it
// measured, as bench/parallel/program.ts does. Each part is an object, and the objects are joined.

import com.google.cloud.storage.transfermanager.ParallelUploadConfig;
import com.google.cloud.storage.transfermanager.ParallelUploadConfig.UploadBlobInfoFactory;
import com.google.cloud.storage.transfermanager.TransferManagerConfig;
import com.google.cloud.storage.transfermanager.TransferStatus;
import com.google.gson.Gson;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

public final class Parallel {
  private static final int MIB = 1024 * 1024;

  record Job(String origin, String warmUp, String path, int concurrency) {}

  public static void main(String[] arguments) throws Exception {
    var job = new Gson().fromJson(arguments[0], Job.class);
    var small = Files.createTempFile("bench-", null);
    try {
      Files.write(small, new byte[16 * MIB]);
      send(job.warmUp(), small, job.concurrency(), 2 * MIB);
    } finally {
      Files.delete(small);
    }
    var meter = new Meter();
    String crc32c = send(job.origin(), Path.of(job.path()), job.concurrency(), 32 * MIB);
    System.out.println(meter.stop(crc32c));
    System.exit(0);
  }

  /**
   * Uploads; returns the CRC32C that the server computed. One of the workers hands out the parts and sends none, so there is one
   * more of them than connections. With two workers, or for a file of at most four parts, the manager makes none: one connection
   * takes the whole file in one upload.
   */
  private static String send(String origin, Path path, int connections, int partSize) throws Exception {
    var config =
        TransferManagerConfig.newBuilder()
            .setStorageOptions(Meter.storage(origin))
            .setAllowParallelCompositeUpload(true)
            .setMaxWorkers(connections + 1)
            .setPerWorkerBufferSize(partSize)
            .build();
    var one =
        ParallelUploadConfig.newBuilder()
            .setBucketName("bucket")
            .setUploadBlobInfoFactory(UploadBlobInfoFactory.transformFileName(name -> "object"))
            .build();
    try (var manager = config.getService()) {
      var result = manager.uploadFiles(List.of(path), one).getUploadResults().get(0);
      if (result.getStatus() != TransferStatus.SUCCESS) throw result.getException();
      return result.getUploadedBlob().getCrc32c();
    }
  }
}
