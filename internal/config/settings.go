package config

import (
	"strconv"
	"time"

	"github.com/curfewhq/curfew"
)

// Settings are all settings, each with one key. The flag is the key with dashes, the environment variable is
// CURFEW_ and the key in capitals, and the settings file has the key itself. A flag wins over the environment, and
// the environment over the file.
type Settings struct {
	Config string `placeholder:"FILE" help:"Read settings from this YAML file ($$CURFEW_CONFIG)."`

	DatabaseURL  DatabaseURL `setting:"database_url" default:"sqlite:curfew.db" help:"The database: sqlite:PATH or postgres://…"`
	DatabaseWait Pause       `setting:"database_wait" default:"30s" help:"How long serve and migrate wait for a PostgreSQL that does not answer yet."`
	Listen       Address     `setting:"listen" default:"127.0.0.1:3001" help:"Where API and pages listen."`
	ListenOps    Address     `setting:"listen_ops" default:"127.0.0.1:3002" help:"Where /metrics, /livez, /readyz and pprof listen: never for the public."`
	Drain        *Pause      `setting:"drain" placeholder:"TIME" help:"When the service stops, how long it still answers after /readyz has said so, that whoever sends it calls can look elsewhere. By default 5s, and 0s where listen is a loopback address."`
	BaseURL      *WebURL     `setting:"base_url" placeholder:"URL" help:"The address of API and pages as others see it; by default that of listen."`

	WaitingTTL        Duration `setting:"waiting_ttl" default:"${waiting_ttl}" help:"How long a session waits for a mechanic."`
	MaxWait           Duration `setting:"max_wait" default:"${max_wait}" help:"No session without a mechanic waits longer after its creation, whatever was released."`
	OrphanTTL         Duration `setting:"orphan_ttl" default:"${orphan_ttl}" help:"How long a session may wait that is offered to no mechanic."`
	JoinTTL           Duration `setting:"join_ttl" default:"${join_ttl}" help:"How long an accepted session may take to become live."`
	LiveGrace         Duration `setting:"live_grace" default:"${live_grace}" help:"How long a live session may go on beyond its planned end."`
	ScheduledGrace    Duration `setting:"scheduled_grace" default:"${scheduled_grace}" help:"When an appointment whose slot was taken is tried once more, after its start."`
	MinimumLive       Duration `setting:"minimum_live" default:"${minimum_live}" help:"How long a session must have been live to count as completed when it is ended."`
	VeryStaleAfter    Duration `setting:"very_stale_after" default:"${very_stale_after}" help:"A stale waiting session older than this is critical."`
	DeferTTL          Duration `setting:"defer_ttl" default:"${defer_ttl}" help:"How long a blocked payment is retried before a refund is due."`
	BlockedRepeatedly Count    `setting:"blocked_repeatedly" default:"${blocked_repeatedly}" help:"So many refusals of one customer are a finding of health …"`
	BlockedWindow     Duration `setting:"blocked_window" default:"${blocked_window}" help:"… within so much time."`

	Sweeper OnOff         `setting:"sweeper" default:"on" help:"off stops the sweeper of this process; every promise to customers still holds."`
	Rules   *RuleSwitches `setting:"rules" placeholder:"NAME=on|off,…" help:"The rules of the cleanup, all on; name those to switch off: noShows=off,overran=off."`
	Settle  *Settlements  `setting:"settle" placeholder:"REASON=…,…" help:"What becomes of a cancelled session's payment, by reason: credit (the default), refund, or forfeit (only no_show)."`

	AppointmentRefund *RefundShares `setting:"appointment_refund" placeholder:"TIME=PERCENT,…" help:"What is refunded of an appointment cancelled at least so long before its start, in percent; later nothing is. By default 24h=100,2h=50."`

	Plans *Plans `setting:"plans" placeholder:"JSON" help:"What can be bought, instead of the built-in plans: name to {kind, duration, waitingTtl, price, currency, extends}."`

	Auth   Auth   `embed:"" prefix:"auth-"`
	Stripe Stripe `embed:"" prefix:"stripe-"`

	TraceEndpoint *WebURL  `setting:"trace_endpoint" placeholder:"URL" help:"Send traces there by OTLP over HTTP, for instance http://127.0.0.1:4318; none by default. The standard OTEL_EXPORTER_OTLP_… and OTEL_TRACES_… variables are honoured, too."`
	Webhooks      Webhooks `embed:"" prefix:"webhooks-"`
	SMTP          SMTP     `embed:"" prefix:"smtp-"`

	LogFormat LogFormat `setting:"log_format" default:"text" help:"How log lines look: text or json."`
	LogLevel  LogLevel  `setting:"log_level" default:"info" help:"How much is logged: debug, info, warn or error."`
}

// Auth says whose tokens are accepted.
type Auth struct {
	KeyFile   string `setting:"auth.key_file" placeholder:"FILE" help:"The local signing key; by default curfew.key beside the SQLite file, or here for PostgreSQL. Made at first start."`
	JWTSecret string `setting:"auth.jwt_secret" secret:"" name:"jwt-secret" placeholder:"SECRET" help:"Tokens signed with this secret (HS256, 32 bytes or more) are good too. Better in the environment: others see flags."`
	JWKSURL   string `setting:"auth.jwks_url" name:"jwks-url" placeholder:"URL" help:"Tokens signed with one of the keys published there (ES256, RS256) are good too. https, or http on this machine."`
	Issuer    string `setting:"auth.issuer" placeholder:"TEXT" help:"The issuer such tokens must name."`
	Audience  string `setting:"auth.audience" placeholder:"TEXT" help:"The audience such tokens must name."`
	RoleClaim string `setting:"auth.role_claim" default:"role" help:"The claim that holds the role."`
}

// Stripe says what signs Stripe's messages, and with which key Stripe is asked.
type Stripe struct {
	WebhookSecret *Secrets `setting:"stripe.webhook_secret" secret:"" placeholder:"SECRET,…" help:"What signs Stripe's messages to POST /api/stripe/webhook; several while one is replaced. Better in the environment: others see flags."`
	APIKey        string   `setting:"stripe.api_key" secret:"" name:"api-key" placeholder:"KEY" help:"With it refunds are made and payments compared; without it a refund that is due waits for an operator. Better in the environment."`
	APIBase       *WebURL  `setting:"stripe.api_base" name:"api-base" placeholder:"URL" help:"Where Stripe's API is, if not at Stripe."`
	Live          *Mode    `setting:"stripe.live" placeholder:"on|off|both" help:"Whose messages count: those of live payments, of test payments, or both. By default on with a live api_key (sk_live_…, rk_live_…), else both."`
	Account       string   `setting:"stripe.account" placeholder:"ACCOUNT" help:"The connected account (acct_…) that customers pay directly: its messages count too, and Stripe is asked in its name. Messages of other connected accounts do nothing."`
}

// Webhooks says where endpoints may be. Endpoints themselves are no settings: `curfew webhooks add` adds one.
type Webhooks struct {
	AllowPrivate *Networks `setting:"webhooks.allow_private" placeholder:"CIDR,…" help:"Networks that webhooks may go to though they are private, and without TLS: 10.1.2.0/24."`
}

// SMTP is the mail server that sends mails to customers. Without a URL no mail is sent.
type SMTP struct {
	URL       *SMTPURL `setting:"smtp.url" name:"url" placeholder:"URL" help:"The mail server: smtp://USER@mail.example.org:587. With it customers are told by e-mail."`
	Password  string   `setting:"smtp.password" secret:"" placeholder:"PASSWORD" help:"The password of the URL's user. Better in the environment: others see flags."`
	TLS       string   `setting:"smtp.tls" name:"tls" default:"starttls" help:"How the connection is encrypted: starttls, tls (from its first byte on), or none, only to this machine."`
	From      string   `setting:"smtp.from" placeholder:"SENDER" help:"Who mails come from: Example <help@example.org>."`
	Templates Folder   `setting:"smtp.templates" placeholder:"FOLDER" help:"Templates that take the place of those inside: accepted.txt, layout.html …"`
}

// Title is the heading of the settings in --help.
const Title = "Settings (also as environment variables, or as keys of the --config file):"

// Defaults are the defaults that package curfew's policy gives, by key. They fill the placeholders of the tags.
func Defaults() map[string]string {
	p := curfew.DefaultPolicy()
	vars := map[string]string{"blocked_repeatedly": strconv.Itoa(p.BlockedRepeatedly)}
	for key, d := range map[string]time.Duration{
		"waiting_ttl": p.WaitingTTL, "max_wait": p.MaxWait, "orphan_ttl": p.OrphanTTL, "join_ttl": p.JoinTTL,
		"live_grace": p.LiveGrace, "scheduled_grace": p.ScheduledGrace, "minimum_live": p.MinimumLive, "very_stale_after": p.VeryStaleAfter,
		"defer_ttl": p.DeferTTL, "blocked_window": p.BlockedWindow,
	} {
		vars[key] = Duration(d).String()
	}
	return vars
}

// Policy returns the thresholds and plans that the settings choose. Its error is of kind Invalid.
func (s *Settings) Policy() (curfew.Policy, error) {
	p := curfew.DefaultPolicy()
	p.WaitingTTL, p.MaxWait, p.OrphanTTL = time.Duration(s.WaitingTTL), time.Duration(s.MaxWait), time.Duration(s.OrphanTTL)
	p.JoinTTL, p.LiveGrace, p.ScheduledGrace = time.Duration(s.JoinTTL), time.Duration(s.LiveGrace), time.Duration(s.ScheduledGrace)
	p.MinimumLive = time.Duration(s.MinimumLive)
	p.VeryStaleAfter, p.DeferTTL = time.Duration(s.VeryStaleAfter), time.Duration(s.DeferTTL)
	p.BlockedRepeatedly, p.BlockedWindow = int(s.BlockedRepeatedly), time.Duration(s.BlockedWindow)
	if s.Rules != nil {
		p.Off = s.Rules.Off
	}
	if s.Settle != nil {
		p.Settle = s.Settle.ByReason
	}
	if s.AppointmentRefund != nil {
		p.AppointmentRefund = s.AppointmentRefund.Shares
	}
	if s.Plans != nil {
		p.Plans = s.Plans.ByName
	}
	return p, p.Validate()
}
