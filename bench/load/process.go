package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"

	"github.com/carteiro-webhooks/carteiro/bench/child"
)

// ChildArg is the first argument of the binary when it is to be a child; the
// second one is its role.
const ChildArg = "bench-child"

// The roles of a child.
const (
	RoleReceiver = "receiver"
	RoleLoad     = "load"
)

// request and response are lines on a child's standard input and output.
type request struct {
	Op   string
	Args json.RawMessage
}

type response struct {
	Error string
	Value any
}

// handler is an operation of a child.
type handler func(ctx context.Context, args json.RawMessage) (any, error)

// operation makes a handler of a function.
func operation[In, Out any](do func(context.Context, In) (Out, error)) handler {
	return func(ctx context.Context, args json.RawMessage) (any, error) {
		var in In
		if err := json.Unmarshal(args, &in); err != nil {
			return nil, err
		}
		return do(ctx, in)
	}
}

// Main serves one operation after the other until the input ends.
func Main(role string, in io.Reader, out io.Writer) error {
	signal.Ignore(os.Interrupt) // Ctrl-C is for the parent, whose end closes our input
	ctx := context.Background()
	var ops map[string]handler
	switch role {
	case RoleReceiver:
		r, err := listen()
		if err != nil {
			return err
		}
		defer r.close()
		ops = r.operations()
	case RoleLoad:
		ops = loadOperations()
	default:
		return fmt.Errorf("no child has the role %q", role)
	}
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var q request
		if err := requests.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var a response
		op, ok := ops[q.Op]
		err := fmt.Errorf("a %s knows no operation %q", role, q.Op)
		if ok {
			a.Value, err = op(ctx, q.Args)
		}
		if err != nil {
			a = response{Error: err.Error()}
		}
		if err := answers.Encode(&a); err != nil {
			return err
		}
	}
}

// Process is a child with its role.
type Process struct {
	*child.Process
	role string
	in   io.WriteCloser
	out  *json.Decoder
}

// Start runs this binary again as a child.
func Start(role string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, ChildArg, role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p, err := child.Start(cmd)
	if err != nil {
		return nil, fmt.Errorf("start the %s: %w", role, err)
	}
	return &Process{Process: p, role: role, in: in, out: json.NewDecoder(out)}, nil
}

// call has the child do one operation. When the context ends before, the child
// is killed: nothing that it had begun may disturb what comes next.
func call[Out any](ctx context.Context, p *Process, op string, args any) (out Out, err error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return out, err
	}
	if err := ctx.Err(); err != nil {
		return out, err
	}
	answer := make(chan error, 1)
	go func() {
		if err := json.NewEncoder(p.in).Encode(request{op, raw}); err != nil {
			answer <- err
			return
		}
		a := response{Value: &out}
		if err := p.out.Decode(&a); err != nil {
			answer <- err
			return
		}
		if a.Error != "" {
			answer <- errors.New(a.Error)
			return
		}
		answer <- nil
	}()
	select {
	case err = <-answer:
	case <-ctx.Done():
		p.Kill()
		<-answer
		return out, fmt.Errorf("%s: %w", op, ctx.Err())
	}
	if err != nil {
		err = fmt.Errorf("%s: %s: %w", p.role, op, err)
	}
	return out, err
}
