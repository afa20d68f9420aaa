package main

import (
	"errors"
	"fmt"

	"github.com/socketgi/socketgi/scgi/gateway"
)

// explain puts an error of the gateway into words for the operator, with the flags that mend it.
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
