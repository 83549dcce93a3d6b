package httpapi_test

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// What a click may cost after the first, and a live page in a second.
const (
	clickRequests = 3
	clickBytes    = 30 << 10
	liveBytes     = 1 << 10
)

// traffic is what a tab has loaded over the network. What its cache has costs nothing.
type traffic struct {
	mu     sync.Mutex
	loaded map[network.RequestID]*load
}

// load is one request, the bytes of its answer, and how many of them were counted.
type load struct {
	address        string
	bytes, counted int
	known          bool
}

// weigh counts what the tab loads from now on.
func (w *tab) weigh() *traffic {
	w.Helper()
	c := &traffic{loaded: map[network.RequestID]*load{}}
	if err := chromedp.Listen(w.ctx, c.note); err != nil {
		w.Fatal(err)
	}
	return c
}

func (c *traffic) note(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	add := func(id network.RequestID, bytes int) {
		if l := c.loaded[id]; l != nil {
			l.bytes += bytes
		}
	}
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		c.loaded[e.RequestID] = &load{address: e.Request.URL}
	case *network.EventRequestServedFromCache:
		delete(c.loaded, e.RequestID)
	case *network.EventResponseReceived:
		if e.Response.FromDiskCache {
			delete(c.loaded, e.RequestID)
		}
		add(e.RequestID, int(e.Response.EncodedDataLength))
	case *network.EventDataReceived:
		add(e.RequestID, int(e.EncodedDataLength))
	case *network.EventLoadingFinished:
		if l := c.loaded[e.RequestID]; l != nil {
			l.bytes = int(e.EncodedDataLength)
		}
	}
}

// sofar returns what was loaded since the last call.
func (c *traffic) sofar() (addresses []string, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.loaded {
		if !l.known {
			addresses = append(addresses, fmt.Sprintf("%s (%d)", l.address, l.bytes))
		}
		bytes += l.bytes - l.counted
		l.counted, l.known = l.bytes, true // a stream goes on
	}
	return addresses, bytes
}

// After the first page a click loads the page alone, its stream and its figures.
func aClickIsLight(w *tab) {
	w.fixture.trouble()
	w.fixture.hours()
	w.signIn(mara, overviewPage)
	w.wait(alive, "[data-chart=sessions][data-drawn]")
	w.until("what other pages need is loaded", "performance.getEntriesByType('resource').some((e) => e.name.endsWith('/tick.svg') && e.responseEnd > 0)")
	loaded := w.weigh()
	for _, path := range []string{overviewPage, cleanupPage, sessionsPage, customerPage + "?q=katherine", paymentsPage, deliveriesPage, settingsPage, mechanicPage, overviewPage} {
		w.open(path)
		w.wait(alive + "[data-state=live]")
		if path == overviewPage {
			w.wait("[data-chart=sessions][data-drawn]")
		}
		paths, bytes := loaded.sofar()
		w.Logf("%s: %d requests, %d bytes", path, len(paths), bytes)
		if len(paths) > clickRequests || bytes > clickBytes {
			w.Errorf("%s loads %d bytes with %d requests: %s", path, bytes, len(paths), strings.Join(paths, " "))
		}
	}
}

// A page that stays open loads what has changed of it, and is then as a page that is loaded anew.
func aLivePageIsLight(w *tab) {
	w.fixture.trouble()
	w.signIn(mara, sessionsPage)
	w.wait(alive + "[data-state=live]")
	loaded, began := w.weigh(), time.Now()
	for _, customer := range []string{"uma", "ugo"} {
		for n := range 5 {
			w.fixture.pays(fmt.Sprintf("%s-%d", customer, n), "chat10", 1500)
		}
		w.until("it is seen", fmt.Sprintf("document.querySelector('main').textContent.includes('%s-4')", customer))
	}
	_, bytes := loaded.sofar()
	if most := int(time.Since(began).Seconds() * liveBytes); bytes > most {
		w.Errorf("it loads %d bytes, want at most %d: a KB each second", bytes, most)
	}
	w.until("it is as a new one", `(() => {
		const plain = (main) => {
			const copy = main.cloneNode(true);
			for (const time of copy.querySelectorAll('time')) time.replaceWith(time.dateTime);
			copy.querySelector('noscript').remove();
			copy.normalize();
			return copy;
		};
		const request = new XMLHttpRequest();
		request.open('GET', location.href, false);
		request.send();
		const fresh = new DOMParser().parseFromString(request.response, 'text/html');
		return plain(fresh.querySelector('main')).isEqualNode(plain(document.querySelector('main')));
	})()`)
}
