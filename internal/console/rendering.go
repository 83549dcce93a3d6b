package console

import "sync"

// renderingBytes is how much of its newest pages a process remembers.
const renderingBytes = 8 << 20

// renderings remembers the pages that were sent last, so that a reader who has one is sent what has changed since. It is the
// memory of one process: a reader whose page is unknown gets the next one whole.
type renderings struct {
	mu    sync.Mutex
	texts map[string]rendering
	order []string // their ids, the oldest first
	size  int
}

// rendering is a page as one reader got it.
type rendering struct{ reader, text string }

// remember keeps a page, and forgets the oldest ones that there is no room for.
func (r *renderings) remember(id string, page rendering) {
	if len(page.text) > renderingBytes/16 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.texts == nil {
		r.texts = map[string]rendering{}
	}
	r.texts[id] = page
	r.order = append(r.order, id)
	for r.size += len(page.text); r.size > renderingBytes; r.order = r.order[1:] {
		r.size -= len(r.texts[r.order[0]].text)
		delete(r.texts, r.order[0])
	}
}

// of returns the page with an id if this reader got it, or else the empty text.
func (r *renderings) of(id, reader string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if page := r.texts[id]; page.reader == reader {
		return page.text
	}
	return ""
}
