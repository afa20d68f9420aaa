package units

import "errors"

// CheckService is the name of the service that [RenderCheck] renders.
func CheckService(name string) string { return name + "@check.service" }

// CheckPath is where [CheckService] leaves cached code until it is stopped. No application can have
// a name with an @.
func CheckPath(name string) string { return "/run/" + checkDirectory(name) }

func checkDirectory(name string) string { return runtimeDirectory(name) + "@check" }

// RenderCheck renders a service that loads the application as a request would - in the
// same sandbox, as the same user - and stays until it is stopped. What is wrong is in the
// file output then.
//
// It is an instance of the service for each connection: so a user that systemd makes up
// is the same one, and drop-ins of that service are in effect.
func RenderCheck(o Options, output string) (string, error) {
	if !o.Adapter || output == "" {
		return "", errors.New("only what the adapter runs can be tried out")
	}
	o.checkOutput = output
	if err := o.check(); err != nil {
		return "", err
	}
	return o.service(), nil
}
