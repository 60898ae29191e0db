// Package deposit takes deliveries of registers in: what a register sends is kept as bitemporal rows, and the events that it
// asks for go into the log, each exactly once and in order, and only of a delivery that is there as a whole.
package deposit
