package config

import (
	"strconv"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// Settings holds all settings, each with one key. The flag is the key with dashes, the environment
// variable is CURFEW_ and the key in capitals, and the settings file has the key itself. A flag
// overrides the environment, and the environment overrides the file.
type Settings struct {
	Config string `placeholder:"FILE" help:"Read settings from this YAML file ($$CURFEW_CONFIG)."`

	DatabaseURL      DatabaseURL `setting:"database_url" default:"sqlite:curfew.db" help:"The database: sqlite:PATH or postgres://…"`
	DatabaseURLFile  string      `setting:"database_url_file" contains:"database_url" placeholder:"FILE" help:"The file that holds database_url, such as a mounted secret."`
	DatabasePool     PoolSize    `setting:"database_pool" default:"12" help:"How many connections to PostgreSQL a process may have open, unless the URL says how many (pool_max_conns, connection_limit); one more listens for what other replicas do."`
	DatabaseTimeouts string      `setting:"database_timeouts" enum:"startup,role" default:"startup" help:"Who sets the timeouts of statements, locks and idle transactions: startup, each connection as it begins; or role, the database role, for poolers that refuse startup parameters."`
	DatabaseWait     Pause       `setting:"database_wait" default:"30s" help:"How long serve and migrate wait for a PostgreSQL server that does not answer yet."`
	Listen           Address     `setting:"listen" default:"127.0.0.1:3001" help:"The address that the API and the pages listen on. If this is not set and the platform names a port in PORT, that port on all addresses."`
	ListenOps        Address     `setting:"listen_ops" default:"127.0.0.1:3002" help:"The address that /metrics, /livez, /readyz and pprof listen on. Never expose it to the public. If listen comes from PORT, nothing listens there unless this is set."`
	Drain            *Pause      `setting:"drain" placeholder:"TIME" help:"How long a stopping service keeps answering after /readyz reports it, so that load balancers can send traffic elsewhere. By default 5s, or 0s if listen is a loopback address."`
	BaseURL          *WebURL     `setting:"base_url" placeholder:"URL" help:"The public address of the API and the pages; by default that of listen."`
	SigninURL        *WebURL     `setting:"signin_url" placeholder:"URL" help:"Where customers and mechanics sign in, at the marketplace: pages link there."`
	SessionURL       *SessionURL `setting:"session_url" placeholder:"URL" help:"Where a session takes place, at the marketplace, with {id} for its id: https://app.example.org/chat/{id}. Pages link its two parties there."`
	CallbackURL      *SessionURL `setting:"callback_url" placeholder:"URL" help:"Where a customer who has waited for offer_after can ask to be called instead, with {id} for the session's id."`
	AllowedOrigins   *Origins    `setting:"allowed_origins" placeholder:"ORIGIN,…" help:"The origins of your own sites whose pages may call the API with a token: https://app.example.org. By default only Curfew's own pages may."`
	TrustedProxies   *Networks   `setting:"trusted_proxies" placeholder:"CIDR,…" help:"The networks of the proxies in front of Curfew: 10.1.2.0/24. Only they may say where a request comes from (X-Forwarded-For) and what it is called (X-Request-Id)."`

	WaitingTTL        Duration `setting:"waiting_ttl" default:"${waiting_ttl}" help:"How long a session waits for a mechanic."`
	MaxWait           Duration `setting:"max_wait" default:"${max_wait}" help:"The longest that a session waits without a mechanic after its creation, releases included."`
	OrphanTTL         Duration `setting:"orphan_ttl" default:"${orphan_ttl}" help:"How long a session may wait without being offered to mechanics."`
	JoinTTL           Duration `setting:"join_ttl" default:"${join_ttl}" help:"How long an accepted session may take to become live."`
	JoinOffer         Pause    `setting:"join_offer" default:"${join_offer}" help:"How long a mechanic who has accepted may take to join, before the session goes back into the queue with its place kept; a plan may have its own. 0s: as long as join_ttl, and then it ends."`
	StreamGone        Pause    `setting:"stream_gone" default:"${stream_gone}" help:"How long a mechanic who has accepted and not joined may be without a live stream, before the session goes back into the queue; applies only if they had one after accepting. 0s: the stream does not matter."`
	OfferAfter        Pause    `setting:"offer_after" default:"5m" help:"How long a customer has waited before their page offers to cancel, with what happens to the money, and callback_url. 0s: never."`
	NudgeAfter        Pause    `setting:"nudge_after" default:"${nudge_after}" help:"How long a session is in the queue before a webhook, and a mail to smtp.operators, say that nobody has accepted it. 0s: never."`
	LiveGrace         Duration `setting:"live_grace" default:"${live_grace}" help:"How long a live session may run past its planned end."`
	ScheduledGrace    Duration `setting:"scheduled_grace" default:"${scheduled_grace}" help:"How long after its start an appointment is tried once more if its slot was taken."`
	MinimumLive       Duration `setting:"minimum_live" default:"${minimum_live}" help:"How long a session must have been live to count as completed when it ends."`
	VeryStaleAfter    Duration `setting:"very_stale_after" default:"${very_stale_after}" help:"A stale waiting session older than this is critical."`
	DeferTTL          Duration `setting:"defer_ttl" default:"${defer_ttl}" help:"How long a blocked payment is retried before it is due for refund."`
	CreditTTL         Pause    `setting:"credit_ttl" default:"${credit_ttl}" help:"How long a customer can spend a credit before its refund is due. 0s: forever."`
	BlockedRepeatedly Count    `setting:"blocked_repeatedly" default:"${blocked_repeatedly}" help:"Refusals of one customer before health reports them, within blocked_window."`
	BlockedWindow     Duration `setting:"blocked_window" default:"${blocked_window}" help:"The period in which those refusals are counted."`
	FreeCancels       Rate     `setting:"free_cancels" default:"${free_cancels}" help:"How many free sessions a customer may cancel within a period before having to wait for the next; at most 100. off: any number."`

	Sweeper OnOff         `setting:"sweeper" default:"on" help:"off stops the sweeper of this process. Every promise to customers still holds."`
	Rules   *RuleSwitches `setting:"rules" placeholder:"NAME=on|off,…" help:"Cleanup rules to switch off; all are on by default: noShows=off,overran=off."`
	Settle  *Settlements  `setting:"settle" placeholder:"REASON=…,…" help:"What happens to a cancelled session's payment, by reason: credit (the default), refund, or forfeit (no_show only)."`

	AppointmentRefund *RefundShares `setting:"appointment_refund" placeholder:"TIME=PERCENT,…" help:"The percentage refunded if an appointment is cancelled at least this long before its start; nothing is refunded later. By default 24h=100,2h=50."`

	PaymentLost  string `setting:"payment_lost" enum:"end,finish" default:"end" help:"What happens to a session that has a mechanic when its payment fails, is taken back by the bank, or is refunded at the provider: end, or finish."`
	PartRefunded string `setting:"part_refunded" enum:"hold,refund" default:"hold" help:"What happens to the rest of a payment when a part of it was refunded or lost: hold it for an operator, or refund it."`
	Discounts    string `setting:"discounts" enum:"accept,hold" default:"accept" help:"Whether a coupon may make a payment smaller than its plan's price: accept, or hold the payment for an operator."`

	AuthorizationLife Duration `setting:"authorization_life" default:"${authorization_life}" help:"How long a bank reserves money, if the provider does not say; for plans with capture at_acceptance or at_live."`

	Plans *Plans `setting:"plans" placeholder:"JSON" help:"The plans on sale, instead of the built-in ones, by name: {name, kind, duration, waitingTtl, joinOffer, price, currency, extends, capture, captureEarly, delayed}."`

	Adopt *Adopt `setting:"adopt" placeholder:"JSON" help:"Tables of sessions that your own programs write, by name, and what their columns mean; curfew adopt inspect writes this setting. PostgreSQL only."`

	AdoptDatabaseURL     *DatabaseURL `setting:"adopt_database_url" secret:"" placeholder:"URL" help:"Where the tables of adopt are read in mode shadow, if not in Curfew's own database: postgres://…; a read replica will do. Better set in the environment: others can see flags."`
	AdoptDatabaseURLFile string       `setting:"adopt_database_url_file" contains:"adopt_database_url" name:"adopt-database-url-file" placeholder:"FILE" help:"The file that holds adopt_database_url, such as a mounted secret."`
	AdoptDeliveries      OnOff        `setting:"adopt_deliveries" default:"off" help:"on also sends webhooks and mails about sessions of adopted tables; off leaves that to your own programs."`

	Auth     Auth     `embed:"" prefix:"auth-"`
	Stripe   Stripe   `embed:"" prefix:"stripe-"`
	Payments Payments `embed:"" prefix:"payments-"`
	Limits   Limits   `embed:"" prefix:"limits-"`
	Audit    Audit    `embed:"" prefix:"audit-"`

	Retention Retention `embed:"" prefix:"retention-"`
	Approvals Approvals `embed:"" prefix:"approvals-"`

	TraceEndpoint *WebURL  `setting:"trace_endpoint" placeholder:"URL" help:"Where to send traces by OTLP over HTTP, for instance http://127.0.0.1:4318; none by default. The standard OTEL_EXPORTER_OTLP_… and OTEL_TRACES_… variables work too."`
	Webhooks      Webhooks `embed:"" prefix:"webhooks-"`
	SMTP          SMTP     `embed:"" prefix:"smtp-"`

	LogFormat LogFormat `setting:"log_format" default:"text" help:"The format of log lines: text or json."`
	LogLevel  LogLevel  `setting:"log_level" default:"info" help:"The lowest level that is logged: debug, info, warn or error."`
}

// Auth says whose tokens are accepted.
type Auth struct {
	KeyFile       string    `setting:"auth.key_file" placeholder:"FILE" help:"The local signing key; by default curfew.key next to the SQLite file, or in the working directory for PostgreSQL. Created at the first start."`
	Key           string    `setting:"auth.key" secret:"" placeholder:"KEY" help:"The local signing key itself, instead of a file: 32 random bytes in base64 (openssl rand -base64 32). Replicas need the same. Better set in the environment: others can see flags."`
	MaxTTL        TokenLife `setting:"auth.max_ttl" name:"max-ttl" default:"720h" help:"The longest lifetime of tokens of the local key, whatever they say: from 1m to 8784h."`
	SigninIdle    TokenLife `setting:"auth.signin_idle" name:"signin-idle" default:"2h" help:"How long a browser stays signed in without being used: from 1m to 8784h."`
	SigninMax     TokenLife `setting:"auth.signin_max" name:"signin-max" default:"12h" help:"How long a browser stays signed in at all: from 1m to 8784h, and never longer than auth.max_ttl."`
	JWTSecret     string    `setting:"auth.jwt_secret" secret:"" name:"jwt-secret" placeholder:"SECRET" help:"Also accept tokens signed with this secret (HS256, at least 32 bytes). Better set in the environment: others can see flags."`
	JWTSecretFile string    `setting:"auth.jwt_secret_file" contains:"auth.jwt_secret" name:"jwt-secret-file" placeholder:"FILE" help:"The file that holds auth.jwt_secret, such as a mounted secret."`
	JWKSURL       string    `setting:"auth.jwks_url" name:"jwks-url" placeholder:"URL" help:"Also accept tokens signed with a key published there (ES256, RS256, EdDSA). https, or http on this machine."`
	Issuer        string    `setting:"auth.issuer" placeholder:"TEXT" help:"The issuer that such tokens must name."`
	Audience      string    `setting:"auth.audience" placeholder:"TEXT" help:"The audience that such tokens must name."`
	RoleClaim     string    `setting:"auth.role_claim" default:"role" help:"The claim that holds the role, or a path to it such as app_metadata.role."`

	Issuers     *Issuers `setting:"auth.issuers" secret:"" placeholder:"JSON" help:"Further issuers whose tokens are accepted, by a name of yours: {issuer, audience, jwksUrl, secret, subject, role, roles}."`
	IssuersFile string   `setting:"auth.issuers_file" contains:"auth.issuers" placeholder:"FILE" help:"The file that holds auth.issuers, such as a mounted secret."`
}

// Stripe holds the secrets that sign Stripe's messages, the key for calls to Stripe, and the names
// of metadata keys.
type Stripe struct {
	WebhookSecret     *Secrets `setting:"stripe.webhook_secret" secret:"" placeholder:"SECRET,…" help:"The secret that signs Stripe's messages to POST /api/stripe/webhook; several while one is being replaced. Better set in the environment: others can see flags."`
	WebhookSecretFile string   `setting:"stripe.webhook_secret_file" contains:"stripe.webhook_secret" placeholder:"FILE" help:"The file that holds stripe.webhook_secret, such as a mounted secret; several on a line each."`
	APIKey            string   `setting:"stripe.api_key" secret:"" name:"api-key" placeholder:"KEY" help:"The key for making refunds, taking or releasing reserved money and comparing payments; without it, due refunds wait for an operator. Better set in the environment."`
	APIKeyFile        string   `setting:"stripe.api_key_file" contains:"stripe.api_key" name:"api-key-file" placeholder:"FILE" help:"The file that holds stripe.api_key, such as a mounted secret."`
	APIBase           *WebURL  `setting:"stripe.api_base" name:"api-base" placeholder:"URL" help:"The address of Stripe's API, if not Stripe's own."`
	Live              *Mode    `setting:"stripe.live" placeholder:"on|off|both" help:"Which messages count: those of live payments (on), of test payments (off), or both. By default on with a live api_key (sk_live_…, rk_live_…), otherwise both."`
	IgnoreForeign     OnOff    `setting:"stripe.ignore_foreign" default:"on" help:"on ignores payments for none of the plans, which are for other products of the same account; off holds them for an operator."`
	Account           string   `setting:"stripe.account" placeholder:"ACCOUNT" help:"The connected account (acct_…) that customers pay directly. Its messages count too, and calls to Stripe are made on its behalf. Messages of other connected accounts are ignored."`

	Accounts     *Accounts    `setting:"stripe.accounts" placeholder:"ACCOUNT,…" help:"More connected accounts (acct_…) that customers pay directly, as with stripe.account."`
	CustomerKeys MetadataKeys `setting:"stripe.customer_keys" default:"customer_id" placeholder:"KEY,…" help:"The keys of Stripe's metadata that hold the customer's id; the first one that has a value counts, and client_reference_id if none has."`
	PlanKey      MetadataKey  `setting:"stripe.plan_key" default:"plan" help:"The key of Stripe's metadata that holds the plan."`
	StartsAtKey  MetadataKey  `setting:"stripe.starts_at_key" default:"starts_at" help:"The key of Stripe's metadata that holds an appointment's start."`
	ExtendsKey   MetadataKey  `setting:"stripe.extends_key" default:"extends_session" help:"The key of Stripe's metadata that holds the live session for which more time is bought."`

	ReverseTransfer      OnOff `setting:"stripe.reverse_transfer" default:"off" help:"on takes a refund back from the connected account that the payment was passed on to (a destination charge); off leaves it there. Change it only while no refund is under way."`
	RefundApplicationFee OnOff `setting:"stripe.refund_application_fee" default:"off" help:"on gives back your platform's fee with a refund, in proportion; off keeps it. Change it only while no refund is under way."`
}

// Retention says how long personal data is kept.
type Retention struct {
	Deliveries Age `setting:"retention.deliveries" default:"720h" help:"How long deliveries that arrived can be read; at least 24h."`
	Texts      Age `setting:"retention.texts" default:"0s" help:"How long after the last event of a customer names, addresses, metadata and what operators wrote are erased; at least 24h. 0s: never."`
	Customers  Age `setting:"retention.customers" default:"0s" help:"How long after the last event of a customer the id is replaced, too; at least 24h. 0s: never."`
}

// Payments holds the secrets that sign events about payments at other providers.
type Payments struct {
	Secret     *Secrets `setting:"payments.secret" secret:"" placeholder:"SECRET,…" help:"The secret (whsec_…) that signs events to POST /api/payments/events, with which your own programs report payments at any provider; several while one is being replaced. Better set in the environment: others can see flags."`
	SecretFile string   `setting:"payments.secret_file" contains:"payments.secret" placeholder:"FILE" help:"The file that holds payments.secret, such as a mounted secret; several on a line each."`
}

// Webhooks says where endpoints may be, and how their secrets are stored. Endpoints themselves are
// not settings: `curfew webhooks add` adds one.
type Webhooks struct {
	AllowPrivate *Networks `setting:"webhooks.allow_private" placeholder:"CIDR,…" help:"Private networks that webhooks may be sent to, even without TLS: 10.1.2.0/24."`
	Key          *SealKeys `setting:"webhooks.key" secret:"" placeholder:"KEY,…" help:"The key that encrypts the secrets of endpoints in the database: 32 random bytes in base64 (openssl rand -base64 32); several while one is being replaced, the new one first. By default they are not encrypted. Better set in the environment: others can see flags."`
	KeyFile      string    `setting:"webhooks.key_file" contains:"webhooks.key" placeholder:"FILE" help:"The file that holds webhooks.key, such as a mounted secret; several on a line each."`
}

// SMTP is the mail server for mails to customers. Without a URL no mail is sent.
type SMTP struct {
	URL          *SMTPURL `setting:"smtp.url" name:"url" placeholder:"URL" help:"The mail server: smtp://USER@mail.example.org:587. If set, customers are notified by e-mail."`
	Password     string   `setting:"smtp.password" secret:"" placeholder:"PASSWORD" help:"The password of the URL's user. Better set in the environment: others can see flags."`
	PasswordFile string   `setting:"smtp.password_file" contains:"smtp.password" placeholder:"FILE" help:"The file that holds smtp.password, such as a mounted secret."`
	TLS          string   `setting:"smtp.tls" name:"tls" default:"starttls" help:"How the connection is encrypted: starttls, tls (from the first byte), or none (this machine only)."`
	From         string   `setting:"smtp.from" placeholder:"SENDER" help:"The sender of mails: Example <help@example.org>."`
	Operators    string   `setting:"smtp.operators" placeholder:"ADDRESS" help:"The marketplace's own address, for notices to its operators: that nobody has accepted a session (nudge_after)."`
	Templates    Folder   `setting:"smtp.templates" placeholder:"FOLDER" help:"A folder with templates that replace the built-in ones: accepted.txt, layout.html …"`
}

// Audit says how long the audit log is kept.
type Audit struct {
	Keep AuditKeep `setting:"audit.keep" default:"8784h" help:"How long the audit log is kept: at least 720h, 30 days. 0s: forever."`
}

// Approvals says what an admin may not do alone: another admin must approve it.
type Approvals struct {
	RefundsOver *Amounts `setting:"approvals.refunds_over" placeholder:"CURRENCY=AMOUNT,…" help:"The largest refunds that one person may make, in the currency's smallest unit: EUR=50000,JPY=50000. Larger ones, and any in other currencies, need a second person. By default one person may make any."`
	LiveEnds    OnOff    `setting:"approvals.live_ends" default:"off" help:"on: a second person has to approve when an admin ends a live session."`
	Erasures    OnOff    `setting:"approvals.erasures" default:"off" help:"on: a second person has to approve the erasure of a customer."`
	TTL         Duration `setting:"approvals.ttl" name:"ttl" default:"24h" help:"How long an action can wait for a second person's approval."`
}

// Title is the heading of the settings in --help.
const Title = "Settings (also as environment variables, or as keys of the --config file):"

// Defaults returns the defaults of package curfew's policy, by key. They fill in the placeholders
// in the struct tags.
func Defaults() map[string]string {
	p := curfew.DefaultPolicy()
	vars := map[string]string{
		"blocked_repeatedly": strconv.Itoa(p.BlockedRepeatedly), "free_cancels": Rate{p.FreeCancels, p.FreeCancelsWindow}.String(),
	}
	for key, d := range map[string]time.Duration{
		"waiting_ttl": p.WaitingTTL, "max_wait": p.MaxWait, "orphan_ttl": p.OrphanTTL, "join_ttl": p.JoinTTL, "join_offer": p.JoinOffer, "stream_gone": p.StreamGone, "nudge_after": p.NudgeAfter,
		"live_grace": p.LiveGrace, "scheduled_grace": p.ScheduledGrace, "minimum_live": p.MinimumLive, "very_stale_after": p.VeryStaleAfter,
		"defer_ttl": p.DeferTTL, "credit_ttl": p.CreditTTL, "blocked_window": p.BlockedWindow, "authorization_life": p.AuthorizationLife,
	} {
		vars[key] = Duration(d).String()
	}
	return vars
}

// Adopted returns the tables that the setting adopt maps, in order.
func (s *Settings) Adopted() []mapping.Table {
	if s.Adopt == nil {
		return nil
	}
	return s.Adopt.Tables
}

// Policy returns the thresholds and plans from the settings. It returns Invalid if they contradict
// each other.
func (s *Settings) Policy() (curfew.Policy, error) {
	p := curfew.DefaultPolicy()
	p.WaitingTTL, p.MaxWait, p.OrphanTTL = time.Duration(s.WaitingTTL), time.Duration(s.MaxWait), time.Duration(s.OrphanTTL)
	p.JoinTTL, p.LiveGrace, p.ScheduledGrace = time.Duration(s.JoinTTL), time.Duration(s.LiveGrace), time.Duration(s.ScheduledGrace)
	p.MinimumLive, p.AuthorizationLife = time.Duration(s.MinimumLive), time.Duration(s.AuthorizationLife)
	p.VeryStaleAfter, p.DeferTTL = time.Duration(s.VeryStaleAfter), time.Duration(s.DeferTTL)
	p.CreditTTL, p.JoinOffer = time.Duration(s.CreditTTL), time.Duration(s.JoinOffer)
	p.StreamGone, p.NudgeAfter = time.Duration(s.StreamGone), time.Duration(s.NudgeAfter)
	p.BlockedRepeatedly, p.BlockedWindow = int(s.BlockedRepeatedly), time.Duration(s.BlockedWindow)
	p.FreeCancels, p.FreeCancelsWindow = s.FreeCancels.Count, s.FreeCancels.Period
	p.FinishLost, p.RefundPart = s.PaymentLost == "finish", s.PartRefunded == "refund"
	p.RefuseDiscounts, p.HoldForeign = s.Discounts == "hold", !s.Stripe.IgnoreForeign.On()
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
