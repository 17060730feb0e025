// Package slack lets the kernel put wake-ups of this process together.
//
// Go's runtime watches over its threads from one of its own, which sleeps for
// 20 us at a time as long as anything runs. Linux adds 50 us, the timer slack of
// a thread. Where a wake-up is dear, as on most virtual machines, that was a third
// of what a host spends on a person who types: 2.8 % of a core with a slack of
// 50 us, 2.0 % with 500 (ten letters a second, three runs each, in turn).
//
// A thread inherits its slack from the one that made it, and the runtime's thread
// is made before any code of ours runs. So the program starts itself once more,
// with its arguments, environment and process number; the slack stays.
package slack
