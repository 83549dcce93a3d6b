package main

import (
	"fmt"
	"os"
	"strings"
)

// readContained reads the settings that are in files of their own, as systems mount secrets. Giving
// both a setting and its file is an error, because it would be unclear which one counts.
func (s *sources) readContained() error {
	s.contained = map[string]source{}
	for _, file := range s.flags {
		of := file.Tag.Get("contains")
		from, path := s.given(file)
		if of == "" || from == fromDefault {
			continue
		}
		f := s.find(func(key string) bool { return key == of })
		if other, also := s.given(f); other != fromDefault {
			return &settingError{path.where, fmt.Errorf("is set, and so is %s: leave one of them out", also.where)}
		}
		text, err := os.ReadFile(path.text)
		if err != nil {
			return &settingError{path.where, err}
		}
		value := strings.TrimRight(string(text), "\r\n")
		if err := checkValue(f, value); err != nil {
			return &settingError{path.where, fmt.Errorf("%s: %w", path.text, err)}
		}
		s.contained[of] = source{path.where, value}
	}
	return nil
}
