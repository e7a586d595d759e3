// The programs of the benchmarks that must cost as little as they can: a server that takes uploads, clients that only
// send, a line of a given length and width, and what is measured from outside of a process.
//
//	sink                       a server; it prints its origin
//	sink -load ORIGIN          clients; see load.go
//	sink -relay ORIGIN         a line to a server; it prints its own origin
//	sink -crc32c FILE          the checksum of a file, base64
//	sink -measure PROGRAM …    runs a program, and prints what it took
package main

import (
	"bufio"
	"flag"
	"fmt"
	"hash/crc32"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	delay := flag.Duration("delay", 0, "server: how long each reply waits")
	rate := flag.Float64("rate", 0, "server: the bytes a second that each body is read with; relay: that pass each way")
	latency := flag.Duration("latency", 0, "relay: how long a byte takes from one end to the other")
	window := flag.Int("window", 0, "relay: how many bytes may be under way each way")
	every := flag.Float64("every", 0, "relay: after how many bytes of a connection on the average it stands still or is cut")
	stall := flag.Duration("stall", 0, "relay: how long it stands still")
	seed := flag.Uint64("seed", 0, "relay: what its faults are made of")
	relayed := flag.String("relay", "", "be a line to this origin instead")
	file := flag.String("crc32c", "", "print the checksum of this file instead")
	command := flag.Bool("measure", false, "run the program that the arguments name instead")
	var job load
	flag.StringVar(&job.origin, "load", "", "send to this origin instead")
	flag.StringVar(&job.kind, "kind", "chunk", "load: what is counted: chunk, start or object")
	flag.StringVar(&job.tus, "tus", "", "load: the path where uploads of tus are created, instead of Google's protocol")
	flag.IntVar(&job.connections, "connections", 1, "load: how many clients there are at once")
	flag.IntVar(&job.requests, "requests", 128, "load: how many requests they send together")
	flag.IntVar(&job.warmup, "warmup", 0, "load: how many requests go before these")
	flag.IntVar(&job.size, "size", 8<<20, "load: bytes of each chunk or object")
	flag.DurationVar(&job.spread, "spread", 0, "load: how long each client takes to send a chunk")
	flag.Parse()

	run := func() error { return http.Serve(listen(), newSink(*delay, *rate)) }
	switch {
	case job.origin != "":
		run = job.run
	case *relayed != "":
		run = func() error {
			return line{*relayed, *rate, *latency, *window, faultPlan{*every, *stall, *seed}}.serve(listen())
		}
	case *file != "":
		run = func() error { return printChecksum(*file) }
	case *command:
		run = func() error { return measure(flag.Args()) }
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// listen opens a port of this machine, and prints the origin.
func listen() net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("http://" + listener.Addr().String())
	return listener
}

func printChecksum(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	hash := crc32.New(castagnoli)
	if _, err := bufio.NewReaderSize(file, 1<<20).WriteTo(hash); err != nil {
		return err
	}
	_, err = fmt.Println(encode(hash.Sum32()))
	return err
}
