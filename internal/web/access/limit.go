package access

// Limits bound how often one caller may ask. For a moment it may be twice as often; for tokens four times.
type Limits struct {
	Address   int // requests a second from one address; 0: 2,000
	Principal int // requests a second of one principal; 0: 1,000
	Token     int // requests for a token a second, of one client and from one address; 0: 5
	Callers   int // how many addresses and principals are remembered; 0: 10,000
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		limit     *int
		otherwise int
	}{{&l.Address, 2000}, {&l.Principal, 1000}, {&l.Token, 5}, {&l.Callers, 10_000}} {
		if *d.limit <= 0 {
			*d.limit = d.otherwise
		}
	}
	return l
}
