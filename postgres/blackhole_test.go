package postgres

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// tunnel leads to a server, and can swallow everything: sockets stay open, new
// ones are accepted, and nothing comes through. What was open then stays dead.
type tunnel struct {
	at        string
	swallowed atomic.Pointer[chan struct{}] // closed: everything is swallowed
}

func newTunnel(t *testing.T, to string) *tunnel {
	t.Helper()
	p := &tunnel{}
	p.open()
	p.at = serve(t, func(here net.Conn) { p.lead(here, to) })
	return p
}

// serve hands each connection to an address of the loopback interface to handle,
// until the test ends.
func serve(t *testing.T, handle func(net.Conn)) (at string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // the test has ended
			}
			go handle(conn)
		}
	}()
	return l.Addr().String()
}

func (p *tunnel) open() { swallowed := make(chan struct{}); p.swallowed.Store(&swallowed) }

func (p *tunnel) swallow() { close(*p.swallowed.Load()) }

func (p *tunnel) lead(here net.Conn, to string) {
	swallowed := *p.swallowed.Load()
	there, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", to)
	if err != nil {
		_ = here.Close()
		return
	}
	for from, into := range map[net.Conn]net.Conn{here: there, there: here} {
		go func() {
			defer func() {
				select {
				case <-swallowed: // nobody sees the end
				default:
					_ = from.Close()
					_ = into.Close()
				}
			}()
			for chunk := make([]byte, 32<<10); ; {
				n, err := from.Read(chunk)
				select {
				case <-swallowed:
					_, _ = io.Copy(io.Discard, from)
					return
				default:
				}
				if _, err2 := into.Write(chunk[:n]); err != nil || err2 != nil {
					return
				}
			}
		}()
	}
}

// N1, N4: a network that swallows packets for a while, those of a request to
// cancel and of a new connection too.
func TestANetworkThatSwallowedEverythingIsForgottenSoon(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ limit, outage, back time.Duration }{
		"a limit of 1s": {time.Second, 4 * time.Second, 4 * time.Second},
		"in production": {0, 20 * time.Second, connectTimeout + 5*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			there, err := url.Parse(f.url)
			f.must(err)
			p := newTunnel(t, there.Host)
			there.Host = p.at
			s, err := OpenWith(t.Context(), there.String(), Options{Timeout: c.limit})
			f.must(err)
			t.Cleanup(s.Close)
			pay := func(ctx context.Context, customer string, i int) error {
				_, err := s.Admit(ctx, admission(fmt.Sprint(customer, i)))
				return err
			}
			succeeded, longest := f.busy(
				func(ctx context.Context, i int) error { return pay(ctx, "a-", i) },
				func(ctx context.Context, i int) error { return pay(ctx, "b-", i) },
				func(ctx context.Context, _ int) error { return s.RecordSweep(ctx, 0) },
				func(ctx context.Context, _ int) error { _, err := s.Unpublished(ctx, 10); return err },
			)
			f.eventually("there is traffic", func() bool { return succeeded() > 50 })
			p.swallow()
			at := time.Now()
			f.eventually("it lasts", func() bool { return time.Since(at) > c.outage })
			before := succeeded()
			p.open()
			at = time.Now()
			f.eventually("calls succeed again", func() bool { return succeeded() > before+20 })
			back := time.Since(at)
			t.Logf("calls succeeded again after %s, the longest took %s", back.Round(time.Millisecond), longest().Round(time.Millisecond))
			if back > c.back || longest() > s.pool.timeout+2*time.Second {
				t.Errorf("calls succeeded again after %s, the longest took %s", back, longest())
			}
		})
	}
}
