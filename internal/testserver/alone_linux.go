package testserver

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"
)

// capNetAdmin is the right to bring a loopback up.
const capNetAdmin = 12

// runAlone runs this binary again in a network namespace. Who may not have
// one by itself gets it inside a user namespace.
func runAlone(env []string) (code int, err error) {
	code, err = rerun(env, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET})
	if errors.Is(err, syscall.EPERM) {
		namespaces := SameUsers(capNetAdmin)
		namespaces.Cloneflags |= syscall.CLONE_NEWNET
		code, err = rerun(env, namespaces)
	}
	return code, err
}

// rerun runs this binary again and returns its exit code.
func rerun(env []string, attr *syscall.SysProcAttr) (code int, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = env, os.Stdin, os.Stdout, os.Stderr, attr
	endWithUs(cmd, syscall.SIGKILL)
	runtime.LockOSThread() // the kernel ends the child when this thread ends
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	err = cmd.Wait()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		return 0, err
	}
	if code = cmd.ProcessState.ExitCode(); code < 0 {
		code = 1 // a signal
	}
	return code, nil
}

// loopbackUp does what "ip link set lo up" does.
func loopbackUp() error {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Close(socket) }()
	request := struct {
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte // the size of the kernel's struct ifreq
	}{flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	copy(request.name[:], "lo")
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(socket), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return errno
	}
	return nil
}
