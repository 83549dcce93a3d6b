package httpapi

import (
	"context"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
)

// listSettings is what the process was started with.
func (s *Server) listSettings(context.Context, auth.Request, *struct{}) (*answered[api.Settings], error) {
	return okay(api.Settings{Settings: append([]api.Setting{}, s.settings...)}, nil)
}
