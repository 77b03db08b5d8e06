package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// endWithUs makes the kernel send the signal when the thread that starts the
// child ends: nothing outlives a test binary that is killed.
func endWithUs(cmd *exec.Cmd, signal os.Signal) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = signal.(syscall.Signal)
}

// servant is the user that runs PostgreSQL, which refuses to run as root; nil
// when we are not root ourselves.
func servant() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(found.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(found.Gid, 10, 32)
		if errUID == nil && errGID == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("%w: PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it", ErrMissing)
}

// asServant makes the child run as the servant, and gives it the directory.
func asServant(cmd *exec.Cmd, dir string) error {
	who, err := servant()
	if err != nil || who == nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	return os.Chown(dir, int(who.Uid), int(who.Gid))
}

// pause and resume stop the process in its tracks and let it go on.
func pause(p *os.Process) error  { return p.Signal(syscall.SIGSTOP) }
func resume(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
