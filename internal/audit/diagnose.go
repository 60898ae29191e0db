package audit

// place is where in the chain something is wrong: the number that should stand there, and the MAC before it.
type place struct {
	number   int64
	previous MAC
}

// scene is what a second look at the whole log tells about an entry that is wrong.
type scene struct {
	writtenAs int64 // the number under which the entry is right, behind one that is in the log; 0: none
	copies    int   // entries with its MAC, itself included
	genuine   bool  // the entry that should stand there stands elsewhere
	numbered  bool  // an entry with the number that should stand there is in the log
	entries   int
	right     int // entries that are right behind the one before them, as that one stands or should have stood
}

// diagnose says what happened at the first place where a log is wrong. Where several things were done to it, it names
// one of them.
func diagnose(entries Entries, seal *sealer, at place, wrong *Entry) (*Break, error) {
	renumbered := *wrong
	if renumbered.Number = at.number; wrong.Number != at.number && seal.mac(at.previous, &renumbered) == wrong.MAC {
		return &Break{Kind: Changed, Number: at.number}, nil // only its number was
	}
	s, err := look(entries, seal, at, wrong)
	if err != nil {
		return nil, err
	}
	switch {
	case s.writtenAs != 0 && s.copies > 1:
		return &Break{Kind: Repeated, Number: at.number, Is: s.writtenAs}, nil
	case s.writtenAs != 0:
		return &Break{Kind: Moved, Number: at.number, Is: s.writtenAs}, nil
	case s.genuine:
		return &Break{Kind: Inserted, Number: at.number}, nil
	case wrong.Number > at.number && !s.numbered:
		return &Break{Kind: Missing, Number: at.number, Last: wrong.Number - 1}, nil
	case wrong.Number != at.number:
		return &Break{Kind: Inserted, Number: at.number}, nil
	case at.number == 1 && s.right == 0 && s.entries > 1: // one entry tells nothing about the key
		return &Break{Kind: OtherKey, Number: 1}, nil
	}
	return &Break{Kind: Changed, Number: at.number}, nil
}

func look(entries Entries, seal *sealer, at place, wrong *Entry) (s scene, err error) {
	before := place{} // the entry before, as it stands
	s.writtenAs = writtenAs(seal, before, wrong)
	mended := seal.mac(at.previous, wrong) // what its MAC would be, were nothing but that wrong
	for e, err := range entries {
		if err != nil {
			return s, err
		}
		if s.writtenAs == 0 && e.MAC != wrong.MAC {
			s.writtenAs = writtenAs(seal, place{e.Number, e.MAC}, wrong)
		}
		if e.MAC == wrong.MAC {
			s.copies++
		}
		if e.Number == at.number {
			s.numbered = true
			s.genuine = s.genuine || seal.mac(at.previous, e) == e.MAC
		}
		if seal.mac(before.previous, e) == e.MAC || seal.mac(mended, e) == e.MAC {
			s.right++
		}
		s.entries++
		before = place{e.Number, e.MAC}
	}
	return s, nil
}

// writtenAs is the number under which an entry is right behind another one that stands in the log, 0 for none. Both may
// have been renumbered: the entry is tried with the number it has, with the other's, and with the one after that.
func writtenAs(seal *sealer, behind place, e *Entry) int64 {
	tried := *e
	for _, number := range []int64{e.Number, behind.number + 1, behind.number} {
		tried.Number = number
		if number > 0 && seal.mac(behind.previous, &tried) == e.MAC {
			return number
		}
	}
	return 0
}
