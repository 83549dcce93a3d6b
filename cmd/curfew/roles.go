package main

import (
	"github.com/curfewhq/curfew/postgres"
)

// rolesCommand prints SQL for people to read and run: it does not create roles or grant rights
// itself.
type rolesCommand struct {
	Create rolesCreateCommand `cmd:"" help:"Print the SQL that makes the roles and gives schema curfew to its owner. Run it once, as a role that may create roles."`
	Grant  rolesGrantCommand  `cmd:"" help:"Print the SQL of each role's rights and policies. Run it as the owner, after every curfew migrate."`
	Drop   rolesDropCommand   `cmd:"" help:"Print the SQL that undoes both. The tables stay, with their rows."`
}

// roleNames are the roles' names.
type roleNames struct {
	Owner   string `default:"curfew_owner" placeholder:"ROLE" help:"Migrates, and owns schemas curfew and curfew_api (curfew_owner)."`
	Service string `default:"curfew_service" placeholder:"ROLE" help:"Serves, and owns nothing (curfew_service)."`
	Reader  string `placeholder:"ROLE" help:"Of customers and mechanics, who read their own rows: authenticated on Supabase."`
	Writer  string `placeholder:"ROLE" help:"Of another program that writes sessions."`
	Report  string `placeholder:"ROLE" help:"Reads, for dashboards and support."`
}

// roles returns the roles, or an error if two have the same name.
func (n roleNames) roles(settings bool) (postgres.Roles, error) {
	r := postgres.Roles{Owner: n.Owner, Service: n.Service, Reader: n.Reader, Writer: n.Writer, Report: n.Report, Settings: settings}
	return r, asUsage(r.Check())
}

type rolesCreateCommand struct {
	roleNames `embed:""`
}

// Run prints the SQL.
func (c *rolesCreateCommand) Run(term terminal) error {
	r, err := c.roles(false)
	if err == nil {
		term.printf("%s", r.Create())
	}
	return err
}

type rolesGrantCommand struct {
	roleNames `embed:""`

	ReadBy string `default:"claims" enum:"claims,settings" placeholder:"HOW" help:"How a reader is known: claims of a token in request.jwt.claims, as PostgREST and Supabase set them (the default), or the settings curfew.customer and curfew.mechanic."`
}

// Run prints the SQL.
func (c *rolesGrantCommand) Run(term terminal) error {
	r, err := c.roles(c.ReadBy == "settings")
	if err == nil {
		term.printf("%s", r.Grant())
	}
	return err
}

type rolesDropCommand struct {
	roleNames `embed:""`
}

// Run prints the SQL.
func (c *rolesDropCommand) Run(term terminal) error {
	r, err := c.roles(false)
	if err == nil {
		term.printf("%s", r.Drop())
	}
	return err
}
