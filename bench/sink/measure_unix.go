//go:build unix

// How much memory a program had, where the system is a Unix.

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakRss is the most memory a process that has ended ever had, in bytes.
func peakRss(state *os.ProcessState) int64 {
	most := state.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS == "darwin" { // counts in bytes
		return int64(most)
	}
	return int64(most) * 1024
}
