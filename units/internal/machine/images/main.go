// Command images makes the images that tests boot and the one with ruff for lint, where they are
// missing, and prints their paths.
package main

import (
	"fmt"
	"os"

	"github.com/socketgi/socketgi/units/internal/machine"
)

func main() {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "only root can make images and boot them: the tests that do will skip")
		return
	}
	for _, suite := range append(machine.Suites, machine.Testing) {
		dir, err := machine.Image(suite)
		if err != nil {
			fmt.Fprintln(os.Stderr, "images:", err)
			os.Exit(1)
		}
		fmt.Println(dir)
	}
}
