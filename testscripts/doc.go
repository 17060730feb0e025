// Package testscripts plays the real binary as people use it: scripts/*.txtar
// has one story per file, with one command per actor (script_test.go); the
// tests with real X servers (x_test.go), with processes that are searched for
// secrets (secrets_test.go), with a hostile relay (hostile_test.go) and behind
// simulated NAT boxes (lab_test.go) are written in Go. arrows_test.go holds the
// rules of the house. It imports nothing of this module, so that what it knows
// is what a user can know: flags, events, exit codes and the wire.
//
// ./run is the whole check, from gofmt to the cross-builds.
package testscripts
