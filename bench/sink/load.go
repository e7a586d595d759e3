// Clients that do nothing but send, and how long their requests take.

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"
)

// pieces is in how many writes a slow client sends a chunk.
const pieces = 32

// load is what clients send, each over a connection of its own.
type load struct {
	origin, kind, tus                   string
	connections, requests, warmup, size int
	spread                              time.Duration
}

// client is one connection, with one session.
type client struct {
	load
	connection net.Conn
	replies    *bufio.Reader
	body       []byte
	session    string
	sent       int
}

// run prints how long all requests took together, and the quantiles of one, in seconds.
func (l load) run() error {
	target, err := url.Parse(l.origin)
	if err != nil {
		return err
	}
	clients := make([]*client, l.connections)
	for i := range clients {
		connection, err := net.Dial("tcp", target.Host)
		if err != nil {
			return err
		}
		defer connection.Close()
		c := &client{load: l, connection: connection, replies: bufio.NewReader(connection)}
		c.body = bytes.Repeat([]byte("0123456789abcdef"), (l.size+15)/16)[:l.size]
		clients[i] = c
	}
	if err := l.together(clients, l.warmup, nil); err != nil {
		return err
	}
	times := make([]time.Duration, l.requests)
	start := time.Now()
	if err := l.together(clients, l.requests, times); err != nil {
		return err
	}
	seconds := time.Since(start).Seconds()
	slices.Sort(times)
	quantile := func(q float64) float64 { return times[int(q*float64(len(times)-1))].Seconds() }
	return json.NewEncoder(os.Stdout).Encode(map[string]float64{
		"seconds": seconds, "p50": quantile(0.5), "p99": quantile(0.99),
	})
}

// together lets the clients send so many requests, and notes how long each took.
func (l load) together(clients []*client, requests int, times []time.Duration) error {
	var group sync.WaitGroup
	errors := make(chan error, len(clients))
	for i, c := range clients {
		group.Add(1)
		go func() {
			defer group.Done()
			for number := i; number < requests; number += len(clients) {
				start := time.Now()
				if err := c.send(); err != nil {
					errors <- err
					return
				}
				if times != nil {
					times[number] = time.Since(start)
				}
			}
		}()
	}
	group.Wait()
	close(errors)
	return <-errors
}

// send sends a chunk, a start or an object, and reads the reply. The first chunk starts a session before.
func (c *client) send() error {
	if c.tus != "" {
		return c.sendTus()
	}
	if c.kind == "object" {
		return c.sendObject()
	}
	if c.session == "" || c.kind == "start" {
		path := "/upload/storage/v1/b/bucket/o?uploadType=resumable&name=object"
		reply, err := c.exchange("POST", path, "", nil)
		if err != nil {
			return err
		}
		location, err := reply.Location()
		if err != nil || reply.StatusCode != http.StatusOK {
			return fmt.Errorf("the start was answered with %s", reply.Status)
		}
		c.session, c.sent = location.RequestURI(), 0
	}
	if c.kind == "start" {
		return nil
	}
	last := c.sent + len(c.body) - 1
	head := fmt.Sprintf("Content-Range: bytes %d-%d/*\r\n", c.sent, last)
	reply, err := c.exchange("PUT", c.session, head, c.body)
	if err != nil {
		return err
	}
	if reply.StatusCode != http.StatusPermanentRedirect || reply.Header.Get("Range") != fmt.Sprintf("bytes=0-%d", last) {
		return fmt.Errorf("the chunk was answered with %s, %q", reply.Status, reply.Header.Get("Range"))
	}
	c.sent = last + 1
	return nil
}

// sendObject sends a whole object in one request, where there is none of the name.
func (c *client) sendObject() error {
	c.sent++
	path := fmt.Sprintf("/upload/storage/v1/b/bucket/o?uploadType=media&name=object-%d&ifGenerationMatch=0", c.sent)
	reply, err := c.exchange("POST", path, "", c.body)
	if err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("the object was answered with %s", reply.Status)
	}
	return nil
}

// sendTus is send in tus 1.0.
func (c *client) sendTus() error {
	const version = "Tus-Resumable: 1.0.0\r\n"
	if c.session == "" || c.kind == "start" {
		total := int64(max(1, c.size)) * int64(c.warmup+c.requests)
		reply, err := c.exchange("POST", c.tus, fmt.Sprintf("%sUpload-Length: %d\r\nUpload-Metadata: filename b2JqZWN0\r\n", version, total), nil)
		if err != nil {
			return err
		}
		location, err := reply.Location()
		if err != nil {
			return fmt.Errorf("the start was answered with %s", reply.Status)
		}
		c.session, c.sent = location.RequestURI(), 0
	}
	if c.kind == "start" {
		return nil
	}
	head := fmt.Sprintf("%sUpload-Offset: %d\r\nContent-Type: application/offset+octet-stream\r\n", version, c.sent)
	reply, err := c.exchange("PATCH", c.session, head, c.body)
	if err != nil {
		return err
	}
	c.sent += len(c.body)
	if reply.StatusCode != http.StatusNoContent || reply.Header.Get("Upload-Offset") != fmt.Sprint(c.sent) {
		return fmt.Errorf("the chunk was answered with %s, %q", reply.Status, reply.Header.Get("Upload-Offset"))
	}
	return nil
}

func (c *client) exchange(method, path, head string, body []byte) (*http.Response, error) {
	_, err := fmt.Fprintf(c.connection, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n%s\r\n",
		method, path, c.connection.RemoteAddr(), len(body), head)
	if err != nil {
		return nil, err
	}
	if err := c.write(body); err != nil {
		return nil, err
	}
	reply, err := http.ReadResponse(c.replies, nil)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, reply.Body)
	return reply, err
}

func (c *client) write(body []byte) error {
	if c.spread == 0 {
		_, err := c.connection.Write(body)
		return err
	}
	for piece := range slices.Chunk(body, len(body)/pieces+1) {
		if _, err := c.connection.Write(piece); err != nil {
			return err
		}
		time.Sleep(c.spread / pieces)
	}
	return nil
}
