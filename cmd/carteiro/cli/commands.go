package cli

// Commands are the commands that talk to a running server.
type Commands struct {
	Clients       clientsCommand       `cmd:"" group:"Operate:" help:"The companies that receive: their names, secrets and personal data."`
	Subscriptions subscriptionsCommand `cmd:"" group:"Operate:" help:"Who gets what, and where: register, pause, test, rotate secrets."`
	EventTypes    eventTypesCommand    `cmd:"" name:"event-types" group:"Operate:" help:"The catalogue of event types, and files that describe it."`
	Events        eventsCommand        `cmd:"" group:"Operate:" help:"Post events, and see what became of them."`
	Deliveries    deliveriesCommand    `cmd:"" group:"Operate:" help:"What was sent, attempt by attempt; send again, cancel, watch."`
	Jobs          jobsCommand          `cmd:"" group:"Operate:" help:"Bulk retries and replays: how far they are; stop them."`
	Exports       exportsCommand       `cmd:"" group:"Operate:" help:"The scheduled exports: preview, run, backfill, change."`
	Runs          runsCommand          `cmd:"" group:"Operate:" help:"Runs of the exports, and their receipts."`
	Records       recordsCommand       `cmd:"" group:"Operate:" help:"The records that exports send: load them."`
	Verifications verificationsCommand `cmd:"" group:"Operate:" help:"Verifications, and how they ended."`
	Keys          keysCommand          `cmd:"" group:"Operate:" help:"API keys: make, list, revoke."`
	AuditLog      auditLogCommand      `cmd:"" name:"audit-log" group:"Operate:" help:"Who did what, and when."`
	Stats         statsCommand         `cmd:"" group:"Operate:" help:"Counts and times of the last day, or since a time."`
	Health        healthCommand        `cmd:"" group:"Operate:" help:"Whether the server and each of its parts are well."`
	API           apiCommand           `cmd:"" name:"api" group:"Operate:" help:"Any request to the API, with the key and the address of the other commands."`
	Listen        listenCommand        `cmd:"" group:"Try:" help:"A receiver on this machine: verifies, prints, and misbehaves on demand."`
}

// Flags are what all these commands understand.
type Flags struct {
	APIURL     string `name:"api-url" group:"Server:" help:"Address of the server [CARTEIRO_API_URL]; the server of these settings when nothing is given." placeholder:"URL"`
	APIKeyFile string `name:"api-key-file" group:"Server:" help:"File that holds the API key [CARTEIRO_API_KEY holds the key itself]; for a server on this machine, admin.key in its data directory when nothing is given." placeholder:"FILE"`
	JSON       bool   `name:"json" group:"Output:" help:"JSON for pipes: each thing on a line, as the API has it."`
	UTC        bool   `name:"utc" group:"Output:" help:"Times in UTC, and not in the zone of this machine."`
}

// ServerFlags are the flags of a command that talks to a server; a command
// without them does not.
func (f *Flags) ServerFlags() *Flags { return f }
