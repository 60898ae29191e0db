package eventlog

// Stretch selects events by what is known of them without their payload. What is empty selects all.
type Stretch struct {
	Above  int64 // positions above this one,
	Below  int64 // and below this one
	Type   string
	Source string // URI
}
