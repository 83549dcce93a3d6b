package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/audit"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/directory"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/sse"
	"github.com/curfewhq/curfew/internal/stream"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

// readersCommand is the first argument of the process that holds the clients, which is separate so that
// their memory does not count as the server's. After it come an address, the number of clients, and the
// key that signs their tokens.
const readersCommand = "stream-readers"

// streams holds many clients of GET /api/stream, and sends all of them one session after the other.
func streams(ctx context.Context, o options, out *report) error {
	return withDatabase(ctx, o.server, 8, func(db database) error {
		dir, err := os.MkdirTemp("", "curfew-bench")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a leftover in the temporary folder harms nobody
		s, err := openStreamServer(ctx, db, filepath.Join(dir, "key"))
		if err != nil {
			return err
		}
		defer s.close()
		return s.measure(ctx, o, out)
	})
}

// streamServer is a server with live streams, listening.
type streamServer struct {
	keeper  *lifecycle.Keeper
	address string
	key     string
	close   func()
	wake    chan struct{} // signalled after each change, as `curfew serve` does
}

// follows lets the server follow the hub.
type follows struct{ *stream.Hub }

func (f follows) Subscribe(ctx context.Context, topics []string, since time.Time) (sse.Subscription, error) {
	subscription, err := f.Hub.Subscribe(ctx, topics, since)
	if err != nil {
		return nil, err
	}
	return subscription, nil
}

func openStreamServer(ctx context.Context, db database, key string) (*streamServer, error) {
	s := &streamServer{key: key, wake: make(chan struct{}, 1)}
	var err error
	if s.keeper, err = lifecycle.New(db.store, lifecycle.Options{}); err != nil {
		return nil, err
	}
	identity, err := auth.NewIdentity(ctx, auth.Options{KeyFile: key, CreateKey: true})
	if err != nil {
		return nil, err
	}
	hub := stream.New(db.store, stream.Options{Encode: sse.Encode, Wake: s.wake})
	srv, err := httpapi.New(httpapi.Options{
		Keeper: s.keeper, Timeline: timeline.New(db.store, s.keeper.Rules), Directory: directory.New(db.store), Identity: identity, Once: db.store, Keys: db.store, Revocations: db.store, Audit: audit.New(audit.Options{Store: db.store}), AuditReader: db.store, Approvals: db.store, Jobs: db.store, SignIns: auth.SignInOptions{Store: db.store}, Ready: db.store.Ping, Streams: follows{hub},
		Endpoints: webhook.Endpoints{}, Deliveries: notify.Deliveries{}, // nobody asks for them here
	})
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.address = listener.Addr().String()
	public := srv.HTTPServer("")
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { _ = hub.Run(ctx) })
	running.Go(func() { _ = public.Serve(listener) })
	s.close = func() {
		_ = public.Close()
		cancel()
		running.Wait()
	}
	return s, nil
}

func (s *streamServer) measure(ctx context.Context, o options, out *report) error {
	before, err := resident()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	readers := exec.CommandContext(ctx, self, readersCommand, s.address, strconv.Itoa(o.streams), s.key) //nolint:gosec // G204: this program
	readers.Stderr = os.Stderr
	pipe, err := readers.StdoutPipe()
	if err != nil {
		return err
	}
	if err := readers.Start(); err != nil {
		return err
	}
	defer readers.Wait()         //nolint:errcheck // it was killed
	defer readers.Process.Kill() //nolint:errcheck // it may be gone
	said := bufio.NewScanner(pipe)
	begun := time.Now()
	connected, err := received(said, begun)
	if err != nil {
		return err
	}
	after, err := resident()
	if err != nil {
		return err
	}
	cpu := own()
	delays, err := s.broadcast(ctx, o, said)
	if err != nil {
		return err
	}
	cpu = (own() - cpu) / time.Duration(len(delays))
	t := newTable("clients", "connected s", "KiB each, idle", "one event to all: p50 ms", "max ms", "of a core ms")
	t.add(strconv.Itoa(o.streams), fmt.Sprintf("%.1f", connected.Seconds()), fmt.Sprintf("%.1f", float64(after-before)/1024/float64(o.streams)),
		fmt.Sprintf("%d", delays[len(delays)/2].Milliseconds()), fmt.Sprintf("%d", delays[len(delays)-1].Milliseconds()), fmt.Sprintf("%d", cpu.Milliseconds()))
	t.print(out)
	return nil
}

// lull is the pause before each event: a hub that has just published to many pauses.
const lull = 2 * time.Second

// broadcast admits sessions, and returns how long after each commit the last client had read about it,
// sorted.
func (s *streamServer) broadcast(ctx context.Context, o options, said *bufio.Scanner) ([]time.Duration, error) {
	var all []time.Duration
	for n := range o.rounds {
		time.Sleep(lull)
		_, err := s.keeper.Admission.FulfillCheckout(ctx, curfew.Actor{Role: curfew.Service, ID: "bench"},
			lifecycle.Purchase{PaymentRef: fmt.Sprint("bench-", n), CustomerID: fmt.Sprint("customer-", n), Plan: "chat10"})
		if err != nil {
			return nil, err
		}
		committed := time.Now()
		s.wake <- struct{}{}
		took, err := received(said, committed)
		if err != nil {
			return nil, err
		}
		all = append(all, took)
	}
	slices.Sort(all)
	return all, nil
}

// received waits for the readers' next line: the time at which the last of them had read the event.
func received(said *bufio.Scanner, since time.Time) (time.Duration, error) {
	if !said.Scan() {
		return 0, fmt.Errorf("the readers are gone: %w", said.Err())
	}
	nanos, err := strconv.ParseInt(said.Text(), 10, 64)
	return time.Unix(0, nanos).Sub(since), err
}

// resident returns this process's memory in bytes, without what can be given back. A collection halves a
// stack that is no longer needed, so it runs several.
func resident() (int64, error) {
	for range 3 {
		debug.FreeOSMemory()
	}
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(text, []byte("VmRSS:"))
	var kib int64
	_, err = fmt.Sscan(string(rest), &kib)
	return kib * 1024, err
}

// read is the readers' process. It prints a time when all are connected, and another each time all have
// read about a session.
func read(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("%s ADDRESS CLIENTS KEY", readersCommand)
	}
	clients, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	identity, err := auth.NewIdentity(ctx, auth.Options{KeyFile: args[2]})
	if err != nil {
		return err
	}
	r := readers{address: args[0], clients: int64(clients)}
	dialing := make(chan struct{}, 64)
	var all sync.WaitGroup
	for i := range clients {
		token, err := identity.Token(curfew.Actor{Role: curfew.Service, ID: fmt.Sprint("reader-", i)}, time.Hour)
		if err != nil {
			return err
		}
		dialing <- struct{}{}
		all.Go(func() {
			if err := r.read(ctx, token, func() { <-dialing }); err != nil {
				fmt.Fprintln(os.Stderr, "bench: a reader:", err)
			}
		})
	}
	all.Wait()
	return nil
}

type readers struct {
	address string
	clients int64
	frames  atomic.Int64
}

func (r *readers) read(ctx context.Context, token string, dialed func()) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.address)
	if err != nil {
		dialed()
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing was written that matters
	_, err = fmt.Fprintf(conn, "GET /api/stream HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", r.address, token)
	lines := bufio.NewReaderSize(conn, 1<<10)
	for first := true; err == nil; {
		var line string
		line, err = lines.ReadString('\n')
		if first && line != "" {
			if first = false; !strings.Contains(line, strconv.Itoa(http.StatusOK)) {
				err = fmt.Errorf("answered %q", strings.TrimSpace(line))
			}
		}
		if strings.HasPrefix(line, "event: hello") {
			dialed()
		}
		if strings.HasPrefix(line, "event: ") && r.frames.Add(1)%r.clients == 0 {
			fmt.Println(time.Now().UnixNano())
		}
	}
	return err
}
