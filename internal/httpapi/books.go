package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// csvType is the content type of the books.
const csvType = "text/csv; charset=utf-8"

// bookHandlers write the books of a month.
type bookHandlers struct {
	keeper *lifecycle.Keeper
	log    *slog.Logger
}

type booksInput struct {
	Month string `query:"month" required:"true" pattern:"^[0-9]{4}-[0-9]{2}$" doc:"The month, in UTC: 2026-11"`
	Lines bool   `query:"lines" doc:"A row for each payment, not for each currency"`
}

// file is a response that is written while its rows are being read.
type file struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        func(huma.Context)
}

func (h bookHandlers) read(ctx context.Context, _ auth.Request, in *booksInput) (*file, error) {
	from, to, err := h.keeper.Checkouts.Month(in.Month)
	if err != nil {
		return nil, err
	}
	if !in.Lines {
		totals, err := h.keeper.Checkouts.BookTotals(ctx, from, to)
		if err != nil {
			return nil, err
		}
		return h.file(ctx, "books-"+in.Month, func(w io.Writer) error {
			return wire.WriteBookTotals(w, in.Month, totals)
		}), nil
	}
	first, next, err := h.keeper.Checkouts.Books(ctx, from, to, "") // a failure at the beginning is a problem
	if err != nil {
		return nil, err
	}
	return h.file(ctx, "payments-"+in.Month, func(w io.Writer) error {
		return wire.WriteBookLines(w, func(after string) ([]record.BookLine, string, error) {
			if after == "" {
				return first, next, nil
			}
			return h.keeper.Checkouts.Books(ctx, from, to, after)
		})
	}), nil
}

// file returns a response with a CSV file of that name. If it cannot be completed, the connection
// is cut, so that a partial file does not look complete.
func (h bookHandlers) file(ctx context.Context, name string, write func(io.Writer) error) *file {
	return &file{
		ContentType: csvType, Disposition: `attachment; filename="curfew-` + name + `.csv"`,
		Body: func(c huma.Context) {
			if err := write(c.BodyWriter()); err != nil {
				h.log.WarnContext(ctx, "a file could not be written to its end", "file", name, "error", err)
				panic(http.ErrAbortHandler)
			}
		},
	}
}
