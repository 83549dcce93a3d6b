package sqlite

// Check is what every write does twice.
func Check(s *Store) error { return s.file.check() }
