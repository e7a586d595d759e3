// One upload with google-cloud-storage in Java, in a process of its own: takes a job as JSON, and prints what it measured, as
// bench/upload/program.ts does. Its own memory is what the virtual machine takes, far more than the upload needs.

import com.google.cloud.NoCredentials;
import com.google.cloud.storage.Blob;
import com.google.cloud.storage.BlobInfo;
import com.google.cloud.storage.Storage;
import com.google.cloud.storage.StorageOptions;
import com.google.gson.Gson;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

public final class Upload {
  record Job(String origin, String warmUp, String path) {}

  public static void main(String[] arguments) throws Exception {
    var job = new Gson().fromJson(arguments[0], Job.class);
    storage(job.warmUp()).createFrom(info(), new ByteArrayInputStream(new byte[] {1}));
    var target = storage(job.origin());
    long idle = status("VmRSS");
    Files.writeString(Path.of("/proc/self/clear_refs"), "5"); // the peak starts anew
    double cpu = cpuSeconds();
    long start = System.nanoTime();
    Blob blob = target.createFrom(info(), Path.of(job.path()));
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.println(
        new Gson()
            .toJson(
                Map.of(
                    "seconds", seconds,
                    "cpuSeconds", cpuSeconds() - cpu,
                    "rss", status("VmHWM") - idle,
                    "crc32c", blob.getCrc32c())));
    System.exit(0);
  }

  private static Storage storage(String origin) {
    return StorageOptions.newBuilder()
        .setHost(origin)
        .setProjectId("any")
        .setCredentials(NoCredentials.getInstance())
        .build()
        .getService();
  }

  private static BlobInfo info() {
    return BlobInfo.newBuilder("bucket", "object").build();
  }

  private static double cpuSeconds() {
    var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return system.getProcessCpuTime() / 1e9;
  }

  /** A size in /proc/self/status, in bytes. */
  private static long status(String name) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith(name + ":")) return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
    }
    return 0;
  }
}
