package testserver

import (
	"os"
	"syscall"
)

// SameUsers is a user namespace in which everybody is who he was: in it, who
// has no right to a namespace of another kind has one. Root keeps all users,
// because PostgreSQL runs as another one; others have themselves, and one right
// (CAP_…) that their program begins with.
func SameUsers(right uintptr) *syscall.SysProcAttr {
	const all = 65_536
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	uid, gid := os.Geteuid(), os.Getegid()
	if uid == 0 {
		attr.UidMappings = []syscall.SysProcIDMap{{Size: all}}
		attr.GidMappings = []syscall.SysProcIDMap{{Size: all}}
		attr.GidMappingsEnableSetgroups = true
		return attr
	}
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	attr.AmbientCaps = []uintptr{right}
	return attr
}
