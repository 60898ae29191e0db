package sqlite

// PositionsQuery is for a look at its plan.
const PositionsQuery = positionsQuery

// WearOut makes every sealing key have sealed as often as it may.
func (s *Store) WearOut() {
	s.keys.WearOut()
}
