// The server: uploads of Google's JSON API, of which a length and a checksum are kept.

package main

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// sink takes the uploads of Google's JSON API, and those in parts of its XML API, and keeps nothing of them but their length and their checksum.
type sink struct {
	delay    time.Duration
	rate     float64 // bytes a second of each body; 0: as fast as they come
	next     atomic.Int64
	sessions sync.Map // upload_id → *session
	uploads  sync.Map // uploadId → *parts
	finished sync.Map // the name of an object that was made of parts, or is to be kept → content
	others   *others
	buffers  sync.Pool
	ahead    sync.Pool // *bufio.Reader: a multipart.Reader alone reads 4 KiB at once
}

// content is what arrived of an object.
type content struct {
	name       string
	size       int64
	crc        uint32
	metadata   map[string]string // custom
	components int               // of how many objects it was made; 0: of none
}

// session is a resumable upload. One request at a time changes it.
type session struct {
	sync.Mutex
	content
	done bool
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newSink(delay time.Duration, rate float64) *sink {
	s := &sink{delay: delay, rate: rate}
	s.buffers.New = func() any { buffer := make([]byte, 256<<10); return &buffer }
	s.ahead.New = func() any { return bufio.NewReaderSize(nil, 256<<10) }
	s.others = newOthers(s)
	return s
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	buffer := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buffer)
	switch {
	case strings.HasPrefix(r.URL.Path, "/upload/v1") && strings.HasSuffix(r.URL.Path, "/files"):
		s.others.gemini(w, r)
		return
	case strings.HasPrefix(r.URL.Path, "/tus"):
		s.others.tus(w, r)
		return
	}
	query := r.URL.Query()
	if id := query.Get("upload_id"); id != "" { // PUT by most clients, POST by Go's
		s.append(w, r, id, *buffer)
		return
	}
	if id := query.Get("uploadId"); id != "" {
		s.onUpload(w, r, id, *buffer)
		return
	}
	if bucket, name, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); ok && query.Has("uploads") {
		s.initiate(w, bucket, name)
		return
	}
	if name, ok := strings.CutPrefix(r.URL.Path, objects); ok {
		s.onObject(w, r, name)
		return
	}
	if r.Method == http.MethodGet { // of the bucket, or of many objects
		http.NotFound(w, r)
		return
	}
	c := content{name: query.Get("name")}
	var err error
	switch query.Get("uploadType") {
	case "resumable":
		s.start(w, r, c.name)
		return
	case "media":
		err = s.read(&c, r.Body, *buffer)
	case "multipart":
		err = s.multipart(r, &c, *buffer)
	default:
		err = errors.New("unknown uploadType")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.store(c)
	s.object(w, c)
}

// start opens a session. Its URL has the host that the client has asked, which may be that of a relay.
func (s *sink) start(w http.ResponseWriter, r *http.Request, name string) {
	metadata := struct{ Name string }{name}
	if err := json.NewDecoder(r.Body).Decode(&metadata); err != nil && err != io.EOF {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := fmt.Sprintf("session-of-the-sink-%d", s.next.Add(1)) // no part of any number, as Google's are none
	s.sessions.Store(id, &session{content: content{name: metadata.Name}})
	s.pause()
	w.Header().Set("Location", "http://"+r.Host+"/upload/storage/v1/b/bucket/o?uploadType=resumable&upload_id="+id)
	w.WriteHeader(http.StatusOK)
}

// append takes the bytes of a request with a Content-Range, or says what is there, or cancels. Bytes that do not start where the
// last ones ended are refused, and so is a body that is not as long as it says.
func (s *sink) append(w http.ResponseWriter, r *http.Request, id string, buffer []byte) {
	value, ok := s.sessions.Load(id)
	if !ok {
		http.Error(w, "no such session", http.StatusNotFound)
		return
	}
	if r.Method == http.MethodDelete {
		s.sessions.Delete(id)
		w.WriteHeader(499) // as Google answers
		return
	}
	c := value.(*session)
	c.Lock()
	defer c.Unlock()
	if c.done {
		s.object(w, c.content)
		return
	}
	asked, err := parseRange(r.Header.Get("Content-Range"))
	if err == nil && asked.first >= 0 && asked.first != c.size {
		err = fmt.Errorf("bytes from %d, expected from %d", asked.first, c.size)
	}
	before := c.size
	if err == nil {
		err = s.read(&c.content, r.Body, buffer)
	}
	if err == nil && asked.last >= 0 && c.size != asked.last+1 {
		err = fmt.Errorf("%d bytes, expected %d", c.size-before, asked.last+1-before)
	}
	isLast := asked.endsHere || asked.total == c.size
	if err == nil && isLast && !matches(r.Header.Values("X-Goog-Hash"), c.crc) {
		err = fmt.Errorf("the checksum is %s", encode(c.crc))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if isLast {
		c.done = true
		s.store(c.content)
		s.object(w, c.content)
		return
	}
	s.incomplete(w, r, c.size)
}

// incomplete is a 308: for clients that cannot take one, a 200 that says so.
func (s *sink) incomplete(w http.ResponseWriter, r *http.Request, size int64) {
	s.pause()
	status := http.StatusPermanentRedirect
	if r.Header.Get("X-Guploader-No-308") == "yes" {
		status = http.StatusOK
		w.Header().Set("X-Http-Status-Code-Override", "308")
	}
	if size > 0 {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", size-1))
	}
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// read adds a body to what arrived, at the rate of the sink.
func (s *sink) read(c *content, body io.Reader, buffer []byte) error {
	if s.rate > 0 {
		buffer = buffer[:16<<10] // many small steps rather than a few large ones
	}
	for {
		n, err := body.Read(buffer)
		c.crc = crc32.Update(c.crc, castagnoli, buffer[:n])
		c.size += int64(n)
		if s.rate > 0 {
			time.Sleep(time.Duration(float64(n) / s.rate * float64(time.Second)))
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *sink) multipart(r *http.Request, c *content, buffer []byte) error {
	_, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	ahead := s.ahead.Get().(*bufio.Reader)
	defer s.ahead.Put(ahead)
	ahead.Reset(r.Body)
	reader := multipart.NewReader(ahead, parameters["boundary"])
	part, err := reader.NextPart()
	if err != nil {
		return err
	}
	metadata := struct {
		Name     string
		Metadata map[string]string
	}{Name: c.name}
	if err := json.NewDecoder(part).Decode(&metadata); err != nil {
		return err
	}
	c.name, c.metadata = metadata.Name, metadata.Metadata
	if part, err = reader.NextPart(); err != nil {
		return err
	}
	if err := s.read(c, part, buffer); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, ahead)
	return err
}

func (s *sink) pause() {
	if s.delay > 0 {
		time.Sleep(s.delay)
	}
}

// contentRange is what a Content-Range says; -1 where it says nothing.
type contentRange struct {
	first, last, total int64
	endsHere           bool // the object ends where the body ends
}

// parseRange reads "bytes a-b/N", "bytes a-b/*", "bytes a-*/*", "bytes */N", "bytes */*"; without any, a body is all.
func parseRange(value string) (contentRange, error) {
	none := contentRange{first: -1, last: -1, total: -1}
	if value == "" {
		return contentRange{first: 0, last: -1, total: -1, endsHere: true}, nil
	}
	interval, total, ok := strings.Cut(strings.TrimPrefix(value, "bytes "), "/")
	r := none
	var err error
	if first, last, isInterval := strings.Cut(interval, "-"); isInterval {
		r.first, err = strconv.ParseInt(first, 10, 64)
		if last == "*" {
			r.endsHere = true
		} else if err == nil {
			r.last, err = strconv.ParseInt(last, 10, 64)
		}
	}
	if total != "*" && err == nil {
		r.total, err = strconv.ParseInt(total, 10, 64)
	}
	if !ok || err != nil {
		return none, fmt.Errorf("a Content-Range such as bytes 0-9/10, expected that, got %q", value)
	}
	return r, nil
}

// matches says whether none of the hashes is of other bytes; other algorithms are believed.
func matches(hashes []string, crc uint32) bool {
	for _, hash := range strings.Split(strings.Join(hashes, ","), ",") {
		if value, ok := strings.CutPrefix(strings.TrimSpace(hash), "crc32c="); ok && value != encode(crc) {
			return false
		}
	}
	return true
}

// encode writes a CRC32C as Google does.
func encode(crc uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc))
}
