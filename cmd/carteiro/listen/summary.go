package listen

// Summary counts what came.
type Summary struct {
	Requests int `json:"requests"`
	Messages int `json:"messages"` // different webhook-ids
	Repeats  int `json:"repeats"`  // requests with a webhook-id that had come before
	OK       int `json:"ok"`       // answered 2xx
	Failed   int `json:"failed"`   // answered otherwise
	Cut      int `json:"cut"`      // no answer: reset, or hung
	Valid    int `json:"valid"`
	Invalid  int `json:"invalid"` // tests apart: the server's check of a receiver sends a wrong one on purpose
	Unsigned int `json:"unsigned"`
}

func (s *Summary) add(m *Message) {
	s.Requests++
	if m.Seen > 1 {
		s.Repeats++
	}
	switch {
	case m.Status == 0:
		s.Cut++
	case m.Status/100 == 2:
		s.OK++
	default:
		s.Failed++
	}
	switch {
	case m.Signature == Valid:
		s.Valid++
	case m.Signature == Invalid && !m.Test:
		s.Invalid++
	case m.Signature == Unsigned:
		s.Unsigned++
	}
}
