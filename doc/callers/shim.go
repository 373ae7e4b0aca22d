// SPDX-License-Identifier: Apache-2.0

// A shim in Go. It manages one sandbox, from create to delete, by calls of kata-cgroup.
//
// usage: shim ID BUNDLE [OPTION-OF-CREATE...]
//
// QEMU's monitor is made as Kata's shim makes it: the shim listens, connects to itself, and then starts QEMU with the
// listener. The exit status is that of the call that failed.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The exit statuses of kata-cgroup(8) that this shim tells apart.
const (
	failed    = 1
	usage     = 2
	noSandbox = 3
)

// The VMM is not trusted: its answers are limited in size and time.
const (
	answerMax  = 1 << 20
	answerTime = 25 * time.Second
)

// callError is a failed call of kata-cgroup: its last message, an object with code and, for refused input, field.
type callError struct {
	command string
	Level   string
	Msg     string
	Code    int
	Field   string
}

func (e *callError) Error() string {
	text := fmt.Sprintf("%s: %s [status %d", e.command, e.Msg, e.Code)
	if e.Field != "" {
		text += ", field " + e.Field
	}
	return text + "]"
}

// call runs "kata-cgroup COMMAND ..." with this input.
func call(input, command string, arguments ...string) error {
	var messages bytes.Buffer
	cmd := exec.Command("kata-cgroup", append([]string{"--log-format", "json", command}, arguments...)...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Stdout = os.Stdout
	cmd.Stderr = &messages
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	result := &callError{command: command, Msg: "failed without a message"}
	for decoder := json.NewDecoder(&messages); ; {
		entry := callError{command: command}
		if decoder.Decode(&entry) != nil {
			break
		}
		if entry.Level == "error" {
			result = &entry
		} else {
			fmt.Fprintf(os.Stderr, "shim: %s: %s: %s\n", entry.Level, command, entry.Msg)
		}
	}
	if exit == nil {
		return nil
	}
	result.Code = exit.ExitCode()
	return result
}

// startVMM starts QEMU with a listener that the shim is connected to already: nobody else can get this monitor.
func startVMM(id, bundle string) (vmm *exec.Cmd, monitor net.Conn, err error) {
	path := filepath.Join(bundle, "monitor.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close() // which also removes the path
	if monitor, err = net.Dial("unix", path); err != nil {
		return nil, nil, err
	}
	file, err := listener.File()
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	// The child becomes kata-cgroup, and that the VMM, in its group from the first page on. ExtraFiles begin at 3.
	vmm = exec.Command("kata-cgroup", "exec", id, "--", "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg",
		"-smp", "2", "-m", "64", "-S", "-nodefaults", "-display", "none",
		"-chardev", "socket,id=monitor,fd=3,server=on,wait=off", "-mon", "chardev=monitor,mode=control")
	vmm.ExtraFiles = []*os.File{file}
	vmm.Stderr = os.Stderr
	return vmm, monitor, vmm.Start()
}

// ask sends commands one by one, and returns the line with the last answer. It skips the greeting and events.
func ask(monitor net.Conn, commands ...string) (answer string, err error) {
	monitor.SetDeadline(time.Now().Add(answerTime))
	lines := bufio.NewScanner(monitor)
	lines.Buffer(nil, answerMax)
	for _, command := range commands {
		if _, err := fmt.Fprintf(monitor, `{"execute":%q}`, command); err != nil {
			return "", fmt.Errorf("the VMM does not answer %s: %w", command, err)
		}
		for answer = ""; answer == ""; {
			if !lines.Scan() {
				return "", fmt.Errorf("the VMM does not answer %s: %v", command, lines.Err())
			}
			var message struct{ Return, Error json.RawMessage }
			if err := json.Unmarshal(lines.Bytes(), &message); err != nil || message.Error != nil {
				return "", fmt.Errorf("the VMM answers %s with %.200q", command, lines.Text())
			}
			if message.Return != nil {
				answer = lines.Text()
			}
		}
	}
	return answer, nil
}

// pod covers the time from the VMM's start to its end.
func pod(id string, vmm *exec.Cmd, monitor net.Conn) error {
	cpus, err := ask(monitor, "qmp_capabilities", "query-cpus-fast")
	if err != nil {
		return err
	}
	// Passed on as it is: checking it is kata-cgroup's work.
	if err := call(cpus, "attach-vcpus", id, "--vmm-pid", strconv.Itoa(vmm.Process.Pid), "--vcpus", "-"); err != nil {
		return err
	}
	if err := call(`{"cpu": {"cpus": "0"}}`, "update", id, "--container", "c1"); err != nil {
		return err
	}
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n') // the pod runs until a line comes
	return call("", "update", id, "--container", "c1", "--remove")
}

func run(id, bundle string, options []string) error {
	create := append([]string{id, "--bundle", bundle, "--pid", strconv.Itoa(os.Getpid())}, options...)
	// What fails has been rolled back; what exists already is another shim's. Nothing is to be deleted then.
	if err := call("", "create", create...); err != nil {
		return err
	}
	vmm, monitor, err := startVMM(id, bundle)
	if err == nil {
		err = pod(id, vmm, monitor)
		vmm.Process.Kill()
		vmm.Wait()
	}
	signal.Ignore(syscall.SIGTERM) // under systemd, the scope's end brings one to the shim in it
	deleted := call("", "delete", id)
	var e *callError
	if errors.As(deleted, &e) && e.Code == noSandbox {
		deleted = nil
	}
	if err == nil {
		err = deleted
	}
	return err
}

func main() {
	if len(os.Args) < 3 {
		os.Exit(usage)
	}
	err := run(os.Args[1], os.Args[2], os.Args[3:])
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "shim: error:", err)
	var e *callError
	if errors.As(err, &e) {
		os.Exit(e.Code)
	}
	os.Exit(failed)
}
