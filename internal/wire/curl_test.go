package wire

import "testing"

func TestShellQuoteIsOneWordOfAShell(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http://127.0.0.1:3001/api/x": "http://127.0.0.1:3001/api/x",
		"http://x/a;rm":               "'http://x/a;rm'",
		"http://x/$(id)'&":            `'http://x/$(id)'\''&'`,
	} {
		if got := ShellQuote(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
