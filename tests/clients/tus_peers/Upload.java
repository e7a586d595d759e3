// Uploads with tus-java-client: `java -cp tus-java-client.jar Upload.java ENDPOINT TICKET FILE CHUNK` prints what came of it.

import io.tus.java.client.ProtocolException;
import io.tus.java.client.TusClient;
import io.tus.java.client.TusExecutor;
import io.tus.java.client.TusURLMemoryStore;
import io.tus.java.client.TusUpload;
import io.tus.java.client.TusUploader;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.util.Map;

public class Upload {
  public static void main(String[] args) throws Exception {
    String endpoint = args[0], ticket = args[1], path = args[2];
    int chunk = Integer.parseInt(args[3]);

    // docs/clients.md shows what is between these two lines.
    TusClient client = new TusClient();
    client.setUploadCreationURL(new URL(endpoint));
    client.setHeaders(Map.of("Authorization", "Bearer " + ticket));
    client.enableResuming(new TusURLMemoryStore());
    TusUpload upload = new TusUpload(new File(path));
    upload.setMetadata(Map.of("filename", "a photo.png", "filetype", "image/png"));
    new TusExecutor() {
      @Override
      protected void makeAttempt() throws ProtocolException, IOException {
        TusUploader uploader = client.resumeOrCreateUpload(upload);
        uploader.setRequestPayloadSize(chunk); // a multiple of 262144; 10 MiB is the default
        while (uploader.uploadChunk() > -1) {}
        uploader.finish();
      }
    }.makeAttempts();
    // docs/clients.md shows what is between these two lines.
    System.out.println("success");
  }
}
