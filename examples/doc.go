// Package examples holds programs to copy from, each in a folder of its own: receivers in Go, TypeScript and Python,
// a publisher in Go, and a heat map of what has changed in a register. Its tests run all of them, against signed messages and against
// a hub.
package examples
