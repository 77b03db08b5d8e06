package load

import "context"

func loadOperations() map[string]handler {
	return map[string]handler{
		"post":       operation(post),
		"backlog":    operation(backlog),
		"records":    operation(putRecords),
		"queue":      operation(queue),
		"exportLoop": operation(exportLoop),
	}
}

// Load is the load as its parent sees it.
type Load struct{ *Process }

// StartLoad starts one.
func StartLoad() (*Load, error) {
	p, err := Start(RoleLoad)
	return &Load{p}, err
}

// Post posts events, one in a request.
func (l *Load) Post(ctx context.Context, in Posts) (Posted, error) {
	return call[Posted](ctx, l.Process, "post", in)
}

// Backlog posts many events in few requests.
func (l *Load) Backlog(ctx context.Context, in Backlog) error {
	_, err := call[struct{}](ctx, l.Process, "backlog", in)
	return err
}

// PutRecords stores made-up records.
func (l *Load) PutRecords(ctx context.Context, in Records) error {
	_, err := call[struct{}](ctx, l.Process, "records", in)
	return err
}

// Queue runs tasks through asynq.
func (l *Load) Queue(ctx context.Context, in Queue) (Queued, error) {
	return call[Queued](ctx, l.Process, "queue", in)
}

// ExportLoop exports stored records in a plain loop.
func (l *Load) ExportLoop(ctx context.Context, in ExportLoop) (Looped, error) {
	return call[Looped](ctx, l.Process, "exportLoop", in)
}
