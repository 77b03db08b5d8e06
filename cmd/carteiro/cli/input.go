package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ID is an id on the command line. An empty one, of a variable that is not
// set, would be another route.
type ID string

// UnmarshalText reads an id.
func (id *ID) UnmarshalText(text []byte) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return errors.New("the id is empty")
	}
	*id = ID(text)
	return nil
}

// compact puts a JSON value on one line.
func compact(raw []byte) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return nil, fmt.Errorf("the server's answer is no JSON: %w", err)
	}
	return b.Bytes(), nil
}

// text reads a value of the command line as curl's --data does: @FILE is a
// file's content, @- the standard input, anything else itself.
func (s *Session) text(value string) ([]byte, error) {
	name, isFile := strings.CutPrefix(value, "@")
	switch {
	case !isFile:
		return []byte(value), nil
	case name == "-":
		return io.ReadAll(s.o.Stdin)
	}
	return os.ReadFile(name)
}

// jsonText is text that must be JSON.
func (s *Session) jsonText(flag, value string) (json.RawMessage, error) {
	text, err := s.text(value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	if text = bytes.TrimSpace(text); !json.Valid(text) {
		return nil, usage("%s: this is no JSON%s", flag, whereBroken(text))
	}
	return text, nil
}

// whereBroken tells where a text stops being JSON.
func whereBroken(text []byte) string {
	var v any
	var syntax *json.SyntaxError
	if err := json.Unmarshal(text, &v); errors.As(err, &syntax) {
		before := text[:min(max(int(syntax.Offset)-1, 0), len(text))]
		line := bytes.Count(before, []byte("\n")) + 1
		return fmt.Sprintf(": line %d, character %d: %v", line, len(before)-bytes.LastIndexByte(before, '\n'), syntax)
	}
	return ""
}

// open returns a file's content and its size, 0 when that is not known; "-" is
// the standard input.
func (s *Session) open(name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(s.o.Stdin), 0, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}
