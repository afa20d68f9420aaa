package main

import (
	"errors"
	"fmt"

	"github.com/socketgi/socketgi/cmd/internal/oserror"
	"github.com/socketgi/socketgi/scgi/gateway"
)

// explain words an error of the gateway for the operator, with the flags that mend it.
func explain(err error) string {
	var peer *gateway.PeerError
	var slots *gateway.SlotsError
	switch {
	case errors.As(err, &slots):
		return "the slots of --concurrency: " + oserror.Text(err)
	case !errors.As(err, &peer):
		return oserror.Text(err)
	}
	switch peer.Reason {
	case gateway.NetworkPeer:
		return peer.Error() + ": --allow-uid and --allow-user need a unix socket, " +
			"remove them (systemctl edit); for addresses use IPAddressAllow= in the socket unit"
	case gateway.HiddenPeer:
		return peer.Error() + "; remove --allow-uid and --allow-user (systemctl edit)"
	case gateway.Stranger:
		return fmt.Sprintf("%v: to allow it, add %d to --allow-uid (systemctl edit)", peer, peer.UID)
	}
	return oserror.Text(peer)
}
