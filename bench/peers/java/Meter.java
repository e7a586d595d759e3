// What the programs with google-cloud-storage in Java share: the client without credentials, and what an upload takes.

import com.google.cloud.NoCredentials;
import com.google.cloud.storage.BlobInfo;
import com.google.cloud.storage.StorageOptions;
import com.google.gson.Gson;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Measures from when it is made until it is stopped. */
final class Meter {
  private final long idle;
  private final double cpu;
  private final long start;

  Meter() throws IOException {
    idle = status("VmRSS");
    Files.writeString(Path.of("/proc/self/clear_refs"), "5"); // the peak starts anew
    cpu = cpuSeconds();
    start = System.nanoTime();
  }

  /** What was measured, as JSON: that of bench/upload/job.ts. */
  String stop(String crc32c) throws IOException {
    double seconds = (System.nanoTime() - start) / 1e9;
    return new Gson()
        .toJson(
            Map.of(
                "seconds", seconds,
                "cpuSeconds", cpuSeconds() - cpu,
                "rss", status("VmHWM") - idle,
                "crc32c", crc32c));
  }

  static StorageOptions storage(String origin) {
    return StorageOptions.newBuilder()
        .setHost(origin)
        .setProjectId("any")
        .setCredentials(NoCredentials.getInstance())
        .build();
  }

  static BlobInfo info() {
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
