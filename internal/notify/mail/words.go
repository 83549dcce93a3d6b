package mail

import (
	"bytes"
	"embed"
	"errors"
	htmltemplate "html/template"
	"io/fs"
	"path"
	"slices"
	"strings"
	texttemplate "text/template"
	"time"

	"github.com/curfewhq/curfew"
)

//go:embed templates
var embedded embed.FS

const (
	subjectPrefix = "Subject: "
	textLayout    = "layout.txt"
	htmlLayout    = "layout.html"
	parts         = "money.txt" // shared by several notices
)

// words holds the templates: NAME.txt for each notice (the subject on the first line, then the
// paragraphs), their shared parts, and the two layouts around the paragraphs.
type words struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

// letter is a rendered notice, and what the layouts are executed with.
type letter struct {
	Notice
	Subject    string
	Paragraphs []string
	text, html string
}

// readWords reads the templates, preferring those in the folder, and renders every notice once. Its
// error is Invalid and names the file and line.
func readWords(folder fs.FS) (*words, error) {
	if err := checkNames(folder); err != nil {
		return nil, err
	}
	funcs := map[string]any{"when": when}
	w := &words{text: texttemplate.New("").Funcs(funcs), html: htmltemplate.New("").Funcs(funcs)}
	for _, name := range fileNames() {
		text, err := readTemplate(folder, name)
		if err != nil {
			return nil, err
		}
		if name == htmlLayout {
			_, err = w.html.New(name).Parse(text)
		} else {
			_, err = w.text.New(name).Parse(text)
		}
		if err != nil {
			return nil, broken(err)
		}
	}
	return w, w.check()
}

// fileNames lists all templates.
func fileNames() []string {
	names := []string{parts, textLayout, htmlLayout}
	for _, kind := range Kinds() {
		names = append(names, kind+".txt")
	}
	return names
}

// checkNames rejects a template that no notice uses.
func checkNames(folder fs.FS) error {
	if folder == nil {
		return nil
	}
	files, err := fs.ReadDir(folder, ".")
	if err != nil {
		return curfew.Errorf(curfew.Invalid, "smtp.templates cannot be read: %v", err)
	}
	for _, file := range files {
		ext := path.Ext(file.Name())
		if (ext == ".txt" || ext == ".html") && !slices.Contains(fileNames(), file.Name()) {
			return curfew.Errorf(curfew.Invalid, "smtp.templates has %s, which no notice uses: the templates are %s",
				file.Name(), strings.Join(fileNames(), ", "))
		}
	}
	return nil
}

func readTemplate(folder fs.FS, name string) (string, error) {
	if folder != nil {
		text, err := fs.ReadFile(folder, name)
		if err == nil {
			return string(text), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", curfew.Errorf(curfew.Invalid, "smtp.templates: %s cannot be read: %v", name, err)
		}
	}
	text, err := embedded.ReadFile("templates/" + name)
	return string(text), err
}

// broken formats a template error like accepted.txt:3: ….
func broken(err error) error {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "html/"), "template: ")
	return curfew.Errorf(curfew.Invalid, "smtp.templates: %s", text)
}

// check renders every notice with every outcome, paid and unpaid.
func (w *words) check() error {
	for _, n := range samples() {
		if _, err := w.render(n); err != nil {
			return err
		}
	}
	return nil
}

// render renders a notice.
func (w *words) render(n Notice) (letter, error) {
	l := letter{Notice: n}
	file := n.Kind + ".txt"
	text, err := w.executeText(file, n)
	if err != nil {
		return l, err
	}
	first, rest, _ := strings.Cut(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	subject, ok := strings.CutPrefix(first, subjectPrefix)
	if l.Subject = oneLine(subject); !ok || l.Subject == "" {
		return l, curfew.Errorf(curfew.Invalid, "smtp.templates: %s:1: the first line must be %q and the subject", file, subjectPrefix)
	}
	if l.Paragraphs = paragraphs(rest); len(l.Paragraphs) == 0 {
		return l, curfew.Errorf(curfew.Invalid, "smtp.templates: %s:2: there is no text below the subject", file)
	}
	if l.text, err = w.executeText(textLayout, l); err != nil {
		return l, err
	}
	var html bytes.Buffer
	if err := w.html.ExecuteTemplate(&html, htmlLayout, l); err != nil {
		return l, broken(err)
	}
	l.html = html.String()
	return l, nil
}

func (w *words) executeText(name string, data any) (string, error) {
	var b strings.Builder
	if err := w.text.ExecuteTemplate(&b, name, data); err != nil {
		return "", broken(err)
	}
	return b.String(), nil
}

// paragraphs splits text at empty lines, and joins the lines of each paragraph.
func paragraphs(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, "\n\n") {
		if part = oneLine(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// when formats a time in words.
func when(t time.Time) string { return t.UTC().Format("15:04 UTC on Monday, 2 January 2006") }

// samples returns every notice in every case that a template can distinguish.
func samples() []Notice {
	var all []Notice
	for _, kind := range Kinds() {
		for _, money := range Moneys() {
			all = append(all, sample(kind, money), Notice{Kind: kind, Money: money, By: "us"})
		}
	}
	return all
}

// Moneys lists the values of Notice.Money.
func Moneys() []string {
	all := []string{"", "free", "settling", "spent", moneyReleased, moneyRefused, moneyUnrefunded}
	for _, o := range curfew.Outcomes() {
		if o != curfew.Fulfilled {
			all = append(all, string(o))
		}
	}
	return all
}

// sample returns a notice with every field set.
func sample(kind, money string) Notice {
	at := time.Date(2026, time.November, 23, 16, 5, 0, 0, time.UTC)
	n := Notice{
		Kind: kind, Name: "Ada", Plan: "chat10", Type: string(curfew.Chat), By: string(curfew.Customer), Reason: string(curfew.ByRequest),
		Session: "0199c0de-0000-7000-8001-000000000001", Since: at.Add(-time.Hour), Joined: true, StartsAt: at, JoinBy: at.Add(time.Hour), WaitBy: at.Add(time.Hour), RefundBy: at.Add(2 * time.Hour), Money: money,
		Amount: curfew.Amount(1999, "eur"), Refund: curfew.Amount(1000, "eur"), Unsubscribe: "https://curfew.example.org/api/unsubscribe?token=sample",
	}
	if !slices.Contains(courtesies, kind) {
		n.Unsubscribe = ""
	}
	return n
}
