// Runs a program, and prints the time and the memory that it took.

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"time"
)

// measure runs a program, and prints what it took, as the system counts that, and what it wrote.
func measure(command []string) error {
	child := exec.Command(command[0], command[1:]...)
	child.Stderr = os.Stderr
	start := time.Now()
	text, err := child.Output()
	seconds := time.Since(start).Seconds()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"seconds":    seconds,
		"cpuSeconds": (child.ProcessState.UserTime() + child.ProcessState.SystemTime()).Seconds(),
		"peakRss":    peakRss(child.ProcessState),
		"output":     string(text),
	})
}
