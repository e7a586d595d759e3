// Objects that are there: what Google's JSON API says of them, how it joins them, and how it removes them.

package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// objects is where the JSON API has the objects of the only bucket.
const objects = "/storage/v1/b/bucket/o/"

// mostSources is how many objects Google joins at once.
const mostSources = 32

// isKept says whether anybody asks for an object later: a client that does not say what it was told, or one that joins
// parts that it has uploaded as objects.
func isKept(name string) bool {
	return strings.HasPrefix(name, "kept-") || strings.HasSuffix(name, ".part")
}

// store keeps what is asked for later.
func (s *sink) store(c content) {
	if isKept(c.name) {
		s.finished.Store(c.name, c)
	}
}

// onObject says what an object is, removes it, or makes it of others.
func (s *sink) onObject(w http.ResponseWriter, r *http.Request, name string) {
	if target, ok := strings.CutSuffix(name, "/compose"); ok && r.Method == http.MethodPost {
		s.compose(w, r, target)
		return
	}
	value, ok := s.finished.Load(name)
	asked := r.URL.Query().Get("generation")
	switch {
	case !ok || asked != "" && asked != generation:
		s.pause()
		refuse(w, http.StatusNotFound, "No such object: bucket/"+name)
	case r.Method == http.MethodGet:
		s.object(w, value.(content))
	case r.Method == http.MethodDelete:
		s.finished.Delete(name)
		s.pause()
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusMethodNotAllowed, "unknown method")
	}
}

// compose joins up to 32 objects that are there, in the order that they are named; the parts stay.
func (s *sink) compose(w http.ResponseWriter, r *http.Request, target string) {
	var request struct {
		Destination   struct{ Metadata map[string]string }
		SourceObjects []struct {
			Name       string
			Generation string
		}
	}
	if err := decode(r, &request); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if count := len(request.SourceObjects); count == 0 || count > mostSources {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("1 to %d source objects, expected that, got %d", mostSources, count))
		return
	}
	whole := content{name: target, metadata: request.Destination.Metadata}
	for _, source := range request.SourceObjects {
		value, ok := s.finished.Load(source.Name)
		if !ok || source.Generation != "" && source.Generation != generation {
			s.pause()
			refuse(w, http.StatusNotFound, "Object "+source.Name+" ("+source.Generation+") not found.")
			return
		}
		part := value.(content)
		whole.crc = combine(whole.crc, part.crc, part.size)
		whole.size += part.size
		whole.components += max(1, part.components)
	}
	s.finished.Store(whole.name, whole)
	s.object(w, whole)
}

// decode reads a body of JSON, which some clients compress.
func decode(r *http.Request, value any) error {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = gzip.NewReader(r.Body); err != nil {
			return err
		}
	}
	return json.NewDecoder(body).Decode(value)
}

// generation is that of every object: none is ever replaced by a client that asks which one it was.
const generation = "1"

// object is the reply to the last request of an upload.
func (s *sink) object(w http.ResponseWriter, c content) {
	s.pause()
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	resource := map[string]any{
		"kind": "storage#object", "bucket": "bucket", "name": c.name, "generation": generation,
		"metageneration": "1", "size": strconv.FormatInt(c.size, 10), "crc32c": encode(c.crc),
	}
	if c.metadata != nil {
		resource["metadata"] = c.metadata
	}
	if c.components > 0 {
		resource["componentCount"] = c.components
	}
	json.NewEncoder(w).Encode(resource)
}

// refuse answers with an error as the JSON API does.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": status, "message": message}})
}
