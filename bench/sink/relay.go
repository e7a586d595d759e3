// A line between clients and a server, with a rate, a latency and faults.

package main

import (
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"time"
)

const (
	// piece is how many bytes are handed on at once.
	piece = 64 << 10
	// burst is how late a piece may be read and still leave in its turn: timers are late by as much.
	burst = 5 * time.Millisecond
)

// line is a network between clients and a server. Both ways have the same rate and latency; a sender may have so many
// bytes under way that nobody has confirmed, as with a TCP window that is open from the start. A connection waits one
// round trip before its first byte. Nothing is lost, but for what its faults take.
type line struct {
	origin  string
	rate    float64 // bytes a second
	latency time.Duration
	window  int // bytes
	faults  faultPlan
}

// faultPlan is what befalls what clients send: after so many bytes on the average a connection stands still, or is cut, each
// as often as the other. The same seed makes the same faults, connection by connection.
type faultPlan struct {
	every float64 // bytes; 0: none
	stall time.Duration
	seed  uint64
}

// connectionFaults are those of one connection.
type connectionFaults struct {
	faultPlan
	random *rand.Rand
	left   float64 // bytes until the next one
}

func (t faultPlan) of(connection uint64) *connectionFaults {
	own := &connectionFaults{faultPlan: t, random: rand.New(rand.NewPCG(t.seed, connection))}
	own.left = own.random.ExpFloat64() * t.every
	return own
}

// pass says whether the connection lives on after so many bytes more.
func (t *connectionFaults) pass(count int) bool {
	if t == nil || t.every == 0 {
		return true
	}
	for t.left -= float64(count); t.left < 0; t.left += t.random.ExpFloat64() * t.every {
		if t.random.IntN(2) == 0 {
			return false
		}
		time.Sleep(t.stall)
	}
	return true
}

// packet is some bytes, and when they arrive.
type packet struct {
	bytes   []byte
	arrives time.Time
}

func (l line) serve(listener net.Listener) error {
	target, err := url.Parse(l.origin)
	if err != nil {
		return err
	}
	number := uint64(0)
	for {
		client, err := listener.Accept()
		if err != nil {
			return err
		}
		number++
		go l.connect(client.(*net.TCPConn), target.Host, l.faults.of(number))
	}
}

func (l line) connect(client *net.TCPConn, host string, own *connectionFaults) {
	defer client.Close()
	client.SetReadBuffer(4 * piece) // what waits in this machine has not left it
	time.Sleep(2 * l.latency)
	connection, err := net.Dial("tcp", host)
	if err != nil {
		return
	}
	server := connection.(*net.TCPConn)
	defer server.Close()
	done := make(chan struct{})
	go func() {
		l.pump(client, server, own)
		close(done)
	}()
	l.pump(server, client, nil)
	client.CloseRead()
	<-done
}

// pump carries one direction to its end.
func (l line) pump(from, to *net.TCPConn, own *connectionFaults) {
	packets := make(chan packet, 1024)
	free := newWindow(l.window)
	go l.read(from, packets, free)
	for p := range packets {
		time.Sleep(time.Until(p.arrives))
		if !own.pass(len(p.bytes)) {
			for _, end := range []*net.TCPConn{from, to} {
				end.SetLinger(0) // a reset, no end
				end.Close()
			}
			free.close()
			break
		}
		if _, err := to.Write(p.bytes); err != nil {
			free.close()
			from.CloseRead()
			break
		}
		time.AfterFunc(l.latency, func() { free.give(len(p.bytes)) })
	}
	to.CloseWrite()
	for range packets { // of a connection that broke
	}
}

// read sends what it reads at the rate of the line, and never more than the window holds.
func (l line) read(from io.Reader, packets chan<- packet, free *window) {
	defer close(packets)
	left := time.Now() // when the last byte has left
	for free.wait(piece) {
		bytes := make([]byte, piece)
		n, err := from.Read(bytes)
		if n > 0 {
			free.give(-n)
			if earliest := time.Now().Add(-burst); left.Before(earliest) {
				left = earliest
			}
			left = left.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
			time.Sleep(time.Until(left))
			packets <- packet{bytes[:n], left.Add(l.latency)}
		}
		if err != nil {
			return
		}
	}
}

// window is how many bytes more may be under way.
type window struct {
	sync.Mutex
	changed *sync.Cond
	free    int
	closed  bool
}

func newWindow(size int) *window {
	w := &window{free: size}
	w.changed = sync.NewCond(w)
	return w
}

// wait returns when so many bytes are free, and says whether the window is still open.
func (w *window) wait(count int) bool {
	w.Lock()
	defer w.Unlock()
	for w.free < count && !w.closed {
		w.changed.Wait()
	}
	return !w.closed
}

func (w *window) give(count int) {
	w.Lock()
	w.free += count
	w.Unlock()
	w.changed.Signal()
}

func (w *window) close() {
	w.Lock()
	w.closed = true
	w.Unlock()
	w.changed.Signal()
}
