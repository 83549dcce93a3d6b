package sqlite

// Check is what every write does twice.
func Check(s *Store) error { return s.file.check() }

// WriteTwice makes a store write everything twice, the first time in vain.
func WriteTwice(s *Store) { s.writer.twice = true }
