package child

import (
	"os/exec"
	"syscall"
)

// endWithUs makes the kernel kill the child when the thread that starts it ends.
func endWithUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
