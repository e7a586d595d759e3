// A sink answers Google's upload protocol as fast as it can read, and adds up the CRC32C of every byte, so that what is
// measured is the client, and what it sent is known to be whole. Prints its origin. With -load it is the client instead,
// one that costs as little as a client can.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// content is what arrived of an object.
type content struct {
	name string
	size int64
	crc  uint32
}

// read adds a body to the content, and returns how many bytes it had.
func (c *content) read(body io.Reader, buffer []byte) (int64, error) {
	var count int64
	for {
		n, err := body.Read(buffer)
		c.crc = crc32.Update(c.crc, castagnoli, buffer[:n])
		c.size += int64(n)
		count += int64(n)
		if err == io.EOF {
			return count, nil
		}
		if err != nil {
			return count, err
		}
	}
}

type sink struct {
	origin   string
	delay    time.Duration
	next     atomic.Int64
	sessions sync.Map // upload_id → *content
	buffers  sync.Pool
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	buffer := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buffer)
	query := r.URL.Query()
	if r.Method == "PUT" {
		s.put(w, r, query.Get("upload_id"), *buffer)
		return
	}
	c := &content{name: query.Get("name")}
	switch query.Get("uploadType") {
	case "resumable":
		id := fmt.Sprintf("session-of-the-sink-%d", s.next.Add(1)) // no part of any number, as Google's are none
		c.read(r.Body, *buffer)                                    // the metadata
		s.sessions.Store(id, &content{name: c.name})
		s.pause()
		w.Header().Set("Location", s.origin+"/upload/storage/v1/b/bucket/o?uploadType=resumable&upload_id="+id)
		w.WriteHeader(http.StatusOK)
	case "media":
		if _, err := c.read(r.Body, *buffer); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.object(w, c)
	case "multipart":
		if err := s.multipart(r, c, *buffer); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.object(w, c)
	default:
		http.Error(w, "unknown uploadType", http.StatusBadRequest)
	}
}

// put takes a chunk; one that does not start where the last one ended is refused.
func (s *sink) put(w http.ResponseWriter, r *http.Request, id string, buffer []byte) {
	value, ok := s.sessions.Load(id)
	if !ok {
		http.Error(w, "no such session", http.StatusNotFound)
		return
	}
	c := value.(*content)
	first, total, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Content-Range"), "bytes "), "/")
	if at, _, ok := strings.Cut(first, "-"); ok && at != strconv.FormatInt(c.size, 10) {
		http.Error(w, fmt.Sprintf("a chunk at %s, expected %d", at, c.size), http.StatusBadRequest)
		return
	}
	if _, err := c.read(r.Body, buffer); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	// "0-*" is a body that ends where the object ends.
	if total == "" || total == strconv.FormatInt(c.size, 10) || strings.HasSuffix(first, "-*") {
		s.object(w, c)
		return
	}
	s.pause()
	if c.size > 0 {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", c.size-1))
	}
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusPermanentRedirect)
}

func (s *sink) multipart(r *http.Request, c *content, buffer []byte) error {
	_, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	reader := multipart.NewReader(r.Body, parameters["boundary"])
	part, err := reader.NextPart()
	if err != nil {
		return err
	}
	metadata := struct{ Name string }{c.name}
	if err := json.NewDecoder(part).Decode(&metadata); err != nil {
		return err
	}
	c.name = metadata.Name
	if part, err = reader.NextPart(); err != nil {
		return err
	}
	if _, err := c.read(part, buffer); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err
}

// object is the reply to the last request of an upload.
func (s *sink) object(w http.ResponseWriter, c *content) {
	s.pause()
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	json.NewEncoder(w).Encode(map[string]any{
		"kind": "storage#object", "bucket": "bucket", "name": c.name, "generation": "1",
		"metageneration": "1", "size": strconv.FormatInt(c.size, 10), "crc32c": encode(c.crc),
	})
}

func (s *sink) pause() {
	if s.delay > 0 {
		time.Sleep(s.delay)
	}
}

// encode writes a CRC32C as Google does.
func encode(crc uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc))
}

func main() {
	delay := flag.Duration("delay", 0, "how long each reply waits")
	var job load
	flag.StringVar(&job.origin, "load", "", "send to this origin instead")
	flag.StringVar(&job.kind, "kind", "chunk", "what is counted: chunk or start")
	flag.IntVar(&job.connections, "connections", 1, "how many clients there are at once")
	flag.IntVar(&job.requests, "requests", 128, "how many requests they send together")
	flag.IntVar(&job.warmup, "warmup", 0, "how many requests go before these")
	flag.IntVar(&job.size, "size", 8<<20, "bytes of each chunk")
	flag.DurationVar(&job.spread, "spread", 0, "how long each client takes to send a chunk")
	flag.Parse()
	if job.origin != "" {
		if err := job.run(); err != nil {
			log.Fatal(err)
		}
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	s := &sink{origin: "http://" + listener.Addr().String(), delay: *delay}
	s.buffers.New = func() any { buffer := make([]byte, 256<<10); return &buffer }
	fmt.Println(s.origin)
	log.Fatal(http.Serve(listener, s))
}
