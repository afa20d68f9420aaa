package gateway

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// This file decides which users may talk to an application, by the user of the other side of
// a unix socket (SO_PEERCRED in unix(7)). The mode and the group of the socket, which systemd
// sets, decide who can connect.

// Peers are the users that may talk to the application, besides root, who can do all
// that it can; nil is every user that can connect.
type Peers []uint32

// PeerError is why a connection may not talk to the application.
type PeerError struct {
	// Reason is the kind of it.
	Reason PeerReason
	// UID is the user of a [Stranger].
	UID uint32
	// Err is the error where the user is an [UnknownPeer].
	Err error
}

// PeerReason is the kind of a [PeerError].
type PeerReason int

const (
	Stranger    PeerReason = iota // a user that is not among the [Peers]
	NetworkPeer                   // a connection that is no unix socket
	HiddenPeer                    // a user that has no number in the user namespace of this process
	UnknownPeer                   // the kernel doesn't tell
)

// Error tells the reason.
func (e *PeerError) Error() string {
	switch e.Reason {
	case NetworkPeer:
		return "its peer is not on a unix socket and has no known user"
	case HiddenPeer:
		return "its user is not visible in this user namespace: with PrivateUsers=, only the socket's mode and group " +
			"can restrict users"
	case UnknownPeer:
		return "its user is unknown: " + e.Err.Error()
	}
	return "it comes from user " + strconv.FormatUint(uint64(e.UID), 10) + ", which is not allowed"
}

// check tells why a peer may not talk to the application. A connection that has no user is
// refused.
func (p Peers) check(fd int) error {
	if p == nil {
		return nil
	}
	if domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil || domain != unix.AF_UNIX {
		return &PeerError{Reason: NetworkPeer}
	}
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	switch {
	case err != nil:
		return &PeerError{Reason: UnknownPeer, Err: os.NewSyscallError("getsockopt", err)}
	case cred.Uid == 0 || slices.Contains(p, cred.Uid):
		return nil
	case hidden(cred.Uid):
		return &PeerError{Reason: HiddenPeer}
	}
	return &PeerError{Reason: Stranger, UID: cred.Uid}
}

// hidden tells whether a user is one that has no number in the user namespace of this
// process (user_namespaces(7)).
func hidden(uid uint32) bool {
	overflow, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil { // strict hides it; this is its default
		overflow = []byte("65534")
	}
	if strings.TrimSpace(string(overflow)) != strconv.FormatUint(uint64(uid), 10) {
		return false
	}
	all, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && !slices.Equal(strings.Fields(string(all)), []string{"0", "0", "4294967295"})
}
