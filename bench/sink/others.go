// Uploads in the protocols of Gemini's Files API and of tus.

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// others takes what clients of other protocols send: Gemini's Files API (X-Goog-Upload) and tus 1.0.
type others struct {
	sink    *sink
	next    int
	mutex   sync.Mutex
	uploads map[string]*content
}

func newOthers(s *sink) *others { return &others{sink: s, uploads: map[string]*content{}} }

func (o *others) open() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.next++
	id := fmt.Sprintf("upload-of-the-sink-%d", o.next)
	o.uploads[id] = &content{}
	return id
}

// take adds a body to an upload, where it starts at the offset that the client says.
func (o *others) take(id, offset string, body io.Reader) (*content, error) {
	o.mutex.Lock()
	c := o.uploads[id]
	o.mutex.Unlock()
	if c == nil || offset != strconv.FormatInt(c.size, 10) {
		return nil, fmt.Errorf("no such upload, or another offset than %s", offset)
	}
	buffer := o.sink.buffers.Get().(*[]byte)
	defer o.sink.buffers.Put(buffer)
	return c, o.sink.read(c, body, *buffer)
}

// gemini says the checksum where the API has its SHA-256: clients hand that on.
func (o *others) gemini(w http.ResponseWriter, r *http.Request) {
	command := r.Header.Get("X-Goog-Upload-Command")
	if command == "start" {
		w.Header().Set("X-Goog-Upload-Status", "active")
		w.Header().Set("X-Goog-Upload-URL", "http://"+r.Host+r.URL.Path+"?upload_id="+o.open())
		io.WriteString(w, "{}")
		return
	}
	id := r.URL.Query().Get("upload_id")
	if command == "query" {
		o.mutex.Lock()
		c := o.uploads[id]
		o.mutex.Unlock()
		if c != nil {
			w.Header().Set("X-Goog-Upload-Status", "active")
			w.Header().Set("X-Goog-Upload-Size-Received", strconv.FormatInt(c.size, 10))
		}
		return
	}
	c, err := o.take(id, r.Header.Get("X-Goog-Upload-Offset"), r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !strings.Contains(command, "finalize") {
		w.Header().Set("X-Goog-Upload-Status", "active")
		io.WriteString(w, "{}")
		return
	}
	w.Header().Set("X-Goog-Upload-Status", "final")
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"file": map[string]any{
		"name": "files/" + id, "sizeBytes": strconv.FormatInt(c.size, 10), "sha256Hash": encode(c.crc), "state": "ACTIVE",
	}})
}

// tus answers a GET with the checksum of what arrived.
func (o *others) tus(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Tus-Resumable", "1.0.0")
	id := path.Base(r.URL.Path)
	o.mutex.Lock()
	c := o.uploads[id]
	o.mutex.Unlock()
	switch {
	case r.Method == http.MethodPost:
		w.Header().Set("Location", "http://"+r.Host+"/tus/"+o.open())
		w.WriteHeader(http.StatusCreated)
	case c == nil:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodGet:
		json.NewEncoder(w).Encode(map[string]string{"crc32c": encode(c.crc)})
	case r.Method == http.MethodHead:
		w.Header().Set("Upload-Offset", strconv.FormatInt(c.size, 10))
	default:
		if _, err := o.take(id, r.Header.Get("Upload-Offset"), r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.Header().Set("Upload-Offset", strconv.FormatInt(c.size, 10))
		w.WriteHeader(http.StatusNoContent)
	}
}
