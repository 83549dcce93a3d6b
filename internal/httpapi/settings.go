package httpapi

import (
	"context"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
)

// settingsHandlers show the settings of the process.
type settingsHandlers struct {
	settings []api.Setting
}

func (h settingsHandlers) list(context.Context, auth.Request, *struct{}) (*response[api.Settings], error) {
	return okay(api.Settings{Settings: append([]api.Setting{}, h.settings...)}, nil)
}
