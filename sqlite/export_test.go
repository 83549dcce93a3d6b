package sqlite

// Check is what every write does twice.
func Check(s *Store) error { return s.file.check() }

// Rehearse makes a store write everything twice, the first time in vain.
func Rehearse(s *Store) { s.writer.rehearse = true }
