package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/scgi/gateway"
)

// explain puts an error of the gateway into words for the operator, who has flags.
func explain(err error) string {
	var peer *gateway.PeerError
	var slots *gateway.SlotsError
	switch {
	case errors.As(err, &slots):
		return "the slots of --concurrency: " + err.Error()
	case !errors.As(err, &peer):
		return err.Error()
	}
	switch peer.Reason {
	case gateway.NetworkPeer:
		return peer.Error() + ": --allow-uid and --allow-user are for unix sockets, " +
			"take them out of the command line (for addresses there is IPAddressAllow= in the socket unit)"
	case gateway.HiddenPeer:
		return peer.Error() + ", take --allow-uid and --allow-user out of the command line"
	case gateway.Stranger:
		return fmt.Sprintf("%v: if that is wrong, add %d to --allow-uid (systemctl edit), or send it as root", peer, peer.UID)
	}
	return peer.Error()
}

// lookupUsers finds the numbers of users. Package os/user reads the same file where a
// program is without libc, and costs each start.
func lookupUsers(names []string, passwd string) (p gateway.Peers, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	text, err := os.ReadFile(passwd)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		uid, ok := lookup(text, name)
		if !ok {
			return nil, fmt.Errorf("--allow-user: there is no user %q in %s; one that is somewhere else has a number for --allow-uid, which \"id -u\" prints", name, passwd)
		}
		p = append(p, uid)
	}
	return p, nil
}

func lookup(passwd []byte, name string) (uid uint32, ok bool) {
	for line := range bytes.Lines(passwd) {
		if f := strings.Split(string(line), ":"); len(f) > 2 && f[0] == name && name != "" {
			n, err := strconv.ParseUint(f[2], 10, 32)
			return uint32(n), err == nil
		}
	}
	return 0, false
}
