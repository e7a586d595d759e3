// One upload with google-cloud-storage in Java, in a process of its own: takes a job as JSON, and prints what it measured, as
// bench/upload/program.ts does. Its own memory is what the virtual machine takes, far more than the upload needs.

import com.google.cloud.storage.Blob;
import com.google.gson.Gson;
import java.io.ByteArrayInputStream;
import java.nio.file.Path;

public final class Upload {
  record Job(String origin, String warmUp, String path) {}

  public static void main(String[] arguments) throws Exception {
    var job = new Gson().fromJson(arguments[0], Job.class);
    var warm = Meter.storage(job.warmUp()).getService();
    warm.createFrom(Meter.info(), new ByteArrayInputStream(new byte[] {1}));
    var target = Meter.storage(job.origin()).getService();
    var meter = new Meter();
    Blob blob = target.createFrom(Meter.info(), Path.of(job.path()));
    System.out.println(meter.stop(blob.getCrc32c()));
    System.exit(0);
  }
}
