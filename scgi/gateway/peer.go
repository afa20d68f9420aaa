package gateway

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Peers are the users besides root whose requests are served, by the user of a unix socket's peer
// (SO_PEERCRED, unix(7)); nil for every user that can connect, by the mode and the group of the socket.
type Peers []uint32

// PeerError is the reason why a peer is refused.
type PeerError struct {
	// Reason is the kind of peer.
	Reason PeerReason
	// UID is the user of a [Stranger].
	UID uint32
	// Err is the error of an [UnknownPeer].
	Err error
}

// PeerReason is the kind of a [PeerError].
type PeerReason int

const (
	Stranger    PeerReason = iota // a user not in [Peers]
	NetworkPeer                   // a connection that is no unix socket
	HiddenPeer                    // a user without a number in this user namespace
	UnknownPeer                   // an error of the kernel
)

// Error is the reason.
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

// check refuses peers that are not allowed, and connections without a user.
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

// hidden reports whether a user has no number in the user namespace of this process
// (user_namespaces(7)).
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
