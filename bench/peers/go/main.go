// One upload with cloud.google.com/go/storage, in a process of its own: it takes a job as JSON, and prints what it measured,
// as bench/upload/program.ts does.
package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"log"
	"os"
	"strings"
	"syscall"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/option"
)

type job struct {
	Origin, WarmUp, Path string
}

func main() {
	var j job
	if err := json.Unmarshal([]byte(os.Args[1]), &j); err != nil {
		log.Fatal(err)
	}
	if _, err := upload(j.WarmUp, strings.NewReader("x")); err != nil {
		log.Fatal(err)
	}
	file, err := os.Open(j.Path)
	if err != nil {
		log.Fatal(err)
	}
	idle := status("VmRSS:")
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak starts anew
	cpu, start := cpuSeconds(), time.Now()
	crc32c, err := upload(j.Origin, file)
	if err != nil {
		log.Fatal(err)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"seconds":    time.Since(start).Seconds(),
		"cpuSeconds": cpuSeconds() - cpu,
		"rss":        status("VmHWM:") - idle,
		"crc32c":     crc32c,
	})
}

// upload sends everything with the client's defaults, and returns the object's checksum.
func upload(origin string, source io.Reader) (string, error) {
	ctx := context.Background()
	client, err := storage.NewClient(ctx, option.WithEndpoint(origin+"/storage/v1/"), option.WithoutAuthentication())
	if err != nil {
		return "", err
	}
	w := client.Bucket("bucket").Object("object").NewWriter(ctx)
	if _, err := io.Copy(w, source); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, w.Attrs().CRC32C)), nil
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

// status is a size in /proc/self/status, in bytes.
func status(name string) int64 {
	text, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(text), name)
	var kilobytes int64
	for _, digit := range strings.Fields(rest + " 0")[0] {
		kilobytes = 10*kilobytes + int64(digit-'0')
	}
	return kilobytes * 1024
}
