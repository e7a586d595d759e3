// Uploads in parts, as Google's XML API takes them.

package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
)

// parts is an XML multipart upload: of each part no more is kept than of an object.
type parts struct {
	sync.Mutex
	name   string
	stored map[int]content
}

// initiate answers ?uploads with the ID of an upload.
func (s *sink) initiate(w http.ResponseWriter, bucket, name string) {
	id := fmt.Sprintf("parts-of-the-sink-%d", s.next.Add(1))
	s.uploads.Store(id, &parts{name: name, stored: map[int]content{}})
	s.xml(w, fmt.Sprintf(
		"<InitiateMultipartUploadResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Bucket>%s</Bucket><Key>%s</Key>"+
			"<UploadId>%s</UploadId></InitiateMultipartUploadResult>", bucket, name, id))
}

// onUpload takes a part, makes the object of all parts, or ends the upload.
func (s *sink) onUpload(w http.ResponseWriter, r *http.Request, id string, buffer []byte) {
	value, ok := s.uploads.Load(id)
	if !ok {
		http.Error(w, "<Error><Code>NoSuchUpload</Code></Error>", http.StatusNotFound)
		return
	}
	upload := value.(*parts)
	var err error
	switch r.Method {
	case http.MethodPut:
		err = s.part(w, r, upload, buffer)
	case http.MethodPost:
		if err = s.complete(w, r, upload); err == nil {
			s.uploads.Delete(id)
		}
	case http.MethodDelete:
		s.uploads.Delete(id)
		w.WriteHeader(http.StatusNoContent)
	default:
		err = errors.New("unknown method")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (s *sink) part(w http.ResponseWriter, r *http.Request, upload *parts, buffer []byte) error {
	number, err := strconv.Atoi(r.URL.Query().Get("partNumber"))
	if err != nil {
		return err
	}
	var c content
	if err := s.read(&c, r.Body, buffer); err != nil {
		return err
	}
	if r.ContentLength >= 0 && c.size != r.ContentLength {
		return fmt.Errorf("%d bytes, expected %d", c.size, r.ContentLength)
	}
	if !matches(r.Header.Values("X-Goog-Hash"), c.crc) {
		return fmt.Errorf("the checksum is %s", encode(c.crc))
	}
	upload.Lock()
	upload.stored[number] = c
	upload.Unlock()
	s.pause()
	w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprint(c.crc)))
	w.Header().Set("X-Goog-Hash", "crc32c="+encode(c.crc))
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *sink) complete(w http.ResponseWriter, r *http.Request, upload *parts) error {
	var named struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.NewDecoder(r.Body).Decode(&named); err != nil {
		return err
	}
	upload.Lock()
	defer upload.Unlock()
	whole := content{name: upload.name}
	for _, part := range named.Part {
		c, ok := upload.stored[part.PartNumber]
		if !ok || part.ETag != fmt.Sprintf("%q", fmt.Sprint(c.crc)) {
			return fmt.Errorf("no part %d", part.PartNumber)
		}
		whole.crc = combine(whole.crc, c.crc, c.size)
		whole.size += c.size
	}
	s.finished.Store(whole.name, whole)
	w.Header().Set("X-Goog-Hash", "crc32c="+encode(whole.crc))
	s.xml(w, fmt.Sprintf(
		"<CompleteMultipartUploadResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Key>%s</Key><ETag>\"whole\"</ETag>"+
			"</CompleteMultipartUploadResult>", whole.name))
	return nil
}

// xml answers as the XML API does.
func (s *sink) xml(w http.ResponseWriter, body string) {
	s.pause()
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	fmt.Fprint(w, body)
}

// combine is the checksum of two pieces joined: appending n bytes multiplies what came before by x^(8n).
func combine(first, second uint32, size int64) uint32 {
	power := uint32(1) << 23 // x^8, reflected
	for ; size > 0; size >>= 1 {
		if size&1 == 1 {
			first = multiply(first, power)
		}
		power = multiply(power, power)
	}
	return first ^ second
}

// multiply is the product of two polynomials modulo Castagnoli's, all reflected.
func multiply(a, b uint32) uint32 {
	var product uint32
	for ; a != 0; a <<= 1 {
		if a&(1<<31) != 0 {
			product ^= b
		}
		if b&1 == 1 {
			b = b>>1 ^ 0x82f63b78
		} else {
			b >>= 1
		}
	}
	return product
}
