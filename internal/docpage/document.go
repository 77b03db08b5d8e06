package docpage

import "encoding/json"

// document is what the page needs of an OpenAPI document.
type document struct {
	Info struct {
		Title, Version, Description string
	}
	Tags []struct {
		Name, Description string
	}
	Paths      map[string]map[string]*operation
	Components struct {
		Schemas map[string]*schema
	}
	Codes []Code `json:"x-problem-codes"`
}

// Code is a row of the table of problem codes.
type Code struct {
	Code     string `json:"code"`
	Statuses []int  `json:"statuses"`
	Meaning  string `json:"meaning"`
	Remedy   string `json:"remedy"`
}

type operation struct {
	ID          string `json:"operationId"`
	Summary     string
	Description string
	Tags        []string
	Roles       []string `json:"x-roles"`
	Parameters  []*parameter
	RequestBody *struct {
		Required    bool
		Description string
		Content     map[string]*media
	}
	Responses map[string]*response
	Security  *[]any
}

type parameter struct {
	Name, In, Description string
	Required              bool
	Schema                *schema
}

type response struct {
	Description string
	Headers     map[string]struct{ Description string }
	Content     map[string]*media
	Codes       []string `json:"x-codes"`
}

type media struct {
	Schema  *schema
	Example json.RawMessage
}

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 types
	Format               string
	Description          string
	Properties           map[string]*schema
	Required             []string
	Items                *schema
	Enum                 []any
	AnyOf                []*schema
	AdditionalProperties json.RawMessage
	Default              any
	Minimum, Maximum     *float64
	MinLength, MaxLength *int
	MaxItems             *int
}

// types is "type", which is one or several.
type types []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *types) UnmarshalJSON(raw []byte) error {
	var one string
	if err := json.Unmarshal(raw, &one); err == nil {
		*t = types{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(t))
}
