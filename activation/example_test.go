package activation_test

import (
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"

	"github.com/socketgi/socketgi/activation"
	"golang.org/x/sys/unix"
)

// A program that answers the connection it was started for, or all that come by its
// sockets.
func ExampleReceive() {
	// This much inetd does, and systemd for a unit with StandardInput=socket.
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		log.Fatal(err)
	}
	if err := unix.Dup3(pair[0], 0, 0); err != nil {
		log.Fatal(err)
	}
	unix.Close(pair[0])

	handed, err := activation.Receive()
	switch {
	case errors.Is(err, activation.ErrNothing):
		log.Fatal("this program is started by a socket unit, or by inetd")
	case err != nil:
		log.Fatal(err)
	case handed.Connection != nil:
		conn := os.NewFile(uintptr(handed.Connection.FD), "connection")
		fmt.Fprintf(conn, "hello, and by standard input: %v\n", handed.Stdin)
		conn.Close()
	}
	for _, s := range handed.Listeners {
		l, err := net.FileListener(os.NewFile(uintptr(s.FD), s.Name))
		fmt.Println("would accept connections from", l.Addr(), err)
	}

	answer := make([]byte, 100)
	n, err := unix.Read(pair[1], answer)
	fmt.Print(string(answer[:n]), err)
	// Output:
	// hello, and by standard input: true
	// <nil>
}

// A service of Type=notify reports when it is ready, and its status.
func ExampleNotify() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	// This is where systemd listens.
	socket := filepath.Join(dir, "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	os.Setenv("NOTIFY_SOCKET", socket)
	defer os.Unsetenv("NOTIFY_SOCKET")

	if err := activation.Notify(activation.Ready + "\n" + activation.Status("3 applications are loaded")); err != nil {
		log.Fatal(err)
	}

	heard := make([]byte, 100)
	n, err := l.Read(heard)
	fmt.Println(string(heard[:n]), err)
	// Output:
	// READY=1
	// STATUS=3 applications are loaded <nil>
}
