// Uploads with tusgo: `go run . ENDPOINT TICKET FILE CHUNK` prints what came of it.
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/bdragon300/tusgo"
)

// ticketed adds the ticket to each request.
type ticketed string

func (ticket ticketed) RoundTrip(request *http.Request) (*http.Response, error) {
	request.Header.Set("Authorization", "Bearer "+string(ticket))
	return http.DefaultTransport.RoundTrip(request)
}

func upload(endpoint, ticket string, file *os.File, chunk int64) error {
	// docs/clients.md shows what is between these two lines.
	at, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	client := tusgo.NewClient(&http.Client{Transport: ticketed(ticket)}, at)
	if _, err = client.UpdateCapabilities(); err != nil {
		return err
	}
	info, _ := file.Stat()
	var created tusgo.Upload
	about := map[string]string{"filename": "a photo.png", "filetype": "image/png"}
	if _, err = client.CreateUpload(&created, info.Size(), false, about); err != nil {
		return err
	}
	for attempt := 0; attempt < 5; attempt++ {
		stream := tusgo.NewUploadStream(client, &created) // anew: a used one resends what has failed
		stream.ChunkSize = chunk                          // a multiple of 262144
		if _, err = stream.Sync(); err == nil {           // asks the proxy where to go on
			file.Seek(stream.Tell(), io.SeekStart)
			if _, err = io.Copy(stream, file); err == nil {
				return nil
			}
		}
		time.Sleep(time.Second)
	}
	// docs/clients.md shows what is between these two lines.
	return err
}

func main() {
	file, err := os.Open(os.Args[3])
	if err == nil {
		var chunk int64
		chunk, err = strconv.ParseInt(os.Args[4], 10, 64)
		if err == nil {
			err = upload(os.Args[1], os.Args[2], file, chunk)
		}
	}
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println("success")
}
