package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAStopLetsCallsUnderWayFinish(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serving(t, dir, nil)
	token := p.client(t, dir, "service", "shop").Token

	// A call is under way: its head is there, and somebody reads its body.
	body := `{"paymentRef":"ref-1","customerId":"c-1","plan":"chat10"}`
	conn := dial(t, p.url)
	send(t, conn, "POST /api/checkouts HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "+token+
		"\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n")
	goOn := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(conn, goOn); err != nil || !strings.Contains(string(goOn), "100 Continue") {
		t.Fatalf("the call did not arrive: %q (%v)", goOn, err)
	}
	send(t, conn, body[:10])
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t.Context(), t, "readyz says no while calls finish", func() bool { return strings.Contains(get(t, p.ops+"/readyz"), "503") })
	until(t.Context(), t, "nobody new is let in", func() bool { return get(t, p.url+"/") == "" })
	send(t, conn, body[10:])
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 201") {
		t.Errorf("the call under way got %q (%v)", answer, err)
	}
	if err := p.wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestAStopSaysByeToLiveStreams(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serving(t, dir, nil)
	conn := dial(t, p.url)
	send(t, conn, "GET /api/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+p.client(t, dir, "service", "shop").Token+"\r\n\r\n")
	lines := bufio.NewReader(conn)
	for line := ""; line != "event: hello\n"; {
		var err error
		if line, err = lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Errorf("it ended with %v", err)
	}
	rest, err := io.ReadAll(lines)
	if err != nil || !strings.HasSuffix(string(rest), "event: bye\ndata: {\"reason\":\"stopping\"}\n\n") {
		t.Errorf("the stream ends with %q (%v), want a bye", rest, err)
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serving(t, dir, nil)
	conn := dial(t, p.url)
	send(t, conn, "POST /api/checkouts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{")
	until(t.Context(), t, "the call arrived", func() bool { return strings.Contains(get(t, p.ops+"/readyz"), "200") })
	begun := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t.Context(), t, "it is stopping", func() bool { return strings.Contains(p.stderr(), "stopping") })
	if err := p.end(syscall.SIGTERM); err == nil || time.Since(begun) > finishTime-time.Second {
		t.Errorf("it took %s and ended with %v", time.Since(begun), err)
	}
}

func TestATakenPortIsNamed(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }() // nobody listened
	_, err = start(t.TempDir(), nil, "--listen-ops="+taken.Addr().String())
	want := "curfew: another program listens on " + taken.Addr().String() + ": choose another listen_ops, for instance --listen-ops 127.0.0.1:0"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("it says %v", err)
	}
}

func TestOneWhomOthersReachIsWarned(t *testing.T) {
	t.Parallel()
	p := serving(t, t.TempDir(), nil, "--listen=0.0.0.0:0")
	if !strings.HasPrefix(p.url, "http://127.0.0.1:") {
		t.Errorf("it says it is at %s", p.url)
	}
	if n := strings.Count(p.stderr(), "put a proxy with TLS in front"); n != 1 {
		t.Errorf("it warns %d times:\n%s", n, p.stderr())
	}
}

func TestAnnouncedToProgramsInOneLine(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "curfew", "serve", "--listen=127.0.0.1:0", "--listen-ops=127.0.0.1:0", "--log-format=json")
	cmd.Dir, cmd.Env = t.TempDir(), withoutSettings(cmd.Environ())
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // by the context already
		_ = cmd.Wait()
	})
	line := make([]byte, 4096)
	n, err := pipe.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`{"time":`, `"msg":"serving"`, `"url":"http://127.0.0.1:`, `"ops":"http://127.0.0.1:`, `curfew token --role admin --subject me`} {
		if !strings.Contains(string(line[:n]), part) {
			t.Errorf("%s is not in %s", part, line[:n])
		}
	}
}

func dial(t *testing.T, url string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: readyIn}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the other side may have been first
	return conn
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// get is the status and body of an answer; empty if there was none.
func get(t *testing.T, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), readyIn)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return ""
	}
	body, err := io.ReadAll(res.Body)
	if errors.Join(err, res.Body.Close()) != nil {
		return ""
	}
	return res.Status + " " + string(body)
}
