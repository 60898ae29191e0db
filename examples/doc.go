// Package examples holds programs to copy from, each in a folder of its own: receivers in Go, TypeScript and Python, and
// a publisher in Go. Its test runs all of them, against signed messages and against a hub.
package examples
